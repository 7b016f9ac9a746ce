import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { alternate, RUNS } from '../../sidecar/bench/alternate.ts'
import { decodeReplies } from '../../sidecar/test/fcgi/decode-fixture.ts'
import { authorizerRequest } from '../../sidecar/test/fcgi/encode-fixture.ts'
import { socketPath } from '../harness/processes.ts'
import { type FilledStack, startFilledStack, USABLE } from './session-store.ts'

const MANY = 1_000_000
/** in use all the time, so that every worker knows them */
const WARM = 40
const WARM_REQUESTS = 2000

/** Whether a decision takes longer because Redis holds many sessions, and what these take there. */
export async function benchSessions(): Promise<void> {
  const many = await startFilledStack(MANY)
  const few = await startFilledStack(USABLE)
  try {
    await alternate(
      'latency of a decision, by the authorizer, for a session in use',
      { name: '1,000,000 sessions in Redis', run: () => latencyOf(many, warm(many)) },
      { name: '1,000 sessions in Redis', run: () => latencyOf(few, warm(few)) },
    )
    const [fromMany, fromFew] = [unused(many), unused(few)]
    await alternate(
      'latency of a decision for a session that no worker has seen, which is read from Redis',
      { name: '1,000,000 sessions in Redis', run: () => latencyOf(many, fromMany()) },
      { name: '1,000 sessions in Redis', run: () => latencyOf(few, fromFew()) },
    )
    process.stdout.write(
      `Redis takes ${Math.round(many.bytesPerSession)} bytes a session: record, last seen, index\n`,
    )
  } finally {
    await few.stop()
    await many.stop()
  }
}

function warm({ sessions }: FilledStack): readonly string[] {
  return Array.from({ length: WARM_REQUESTS }, (_, at) => sessions[at % WARM]?.id ?? '')
}

/** @returns gives other sessions at each call, the same number */
function unused({ sessions }: FilledStack): () => readonly string[] {
  const each = Math.floor((USABLE - WARM) / (RUNS + 1))
  let next = WARM
  return () => {
    const ids = sessions.slice(next, next + each).map(({ id }) => id)
    next += each
    return ids
  }
}

/**
 * @returns the mean, in microseconds.
 * @throws unless every session is allowed
 */
async function latencyOf({ stack }: FilledStack, ids: readonly string[]): Promise<number> {
  const path = socketPath(stack.info, 'authorizer-internal-0')
  const startedMs = performance.now()
  for (const id of ids) {
    const [reply] = decodeReplies(await exchange(path, requestWith(id)))
    if (reply?.status !== 200) throw new Error(`decided ${reply?.status}: ${reply?.body}`)
  }
  return ((performance.now() - startedMs) * 1000) / ids.length
}

function requestWith(sessionId: string): Buffer {
  return authorizerRequest([
    ['BRICKGATE_TARGET', '/api/2.1/clusters/list'],
    ['BRICKGATE_METHOD', 'GET'],
    ['BRICKGATE_REQUEST_ID', '0123456789abcdef0123456789abcdef'],
    ['HTTP_AUTHORIZATION', `Bearer ${sessionId}`],
  ])
}

function exchange(path: string, request: Buffer): Promise<Buffer> {
  const socket = connect({ path, allowHalfOpen: true })
  socket.write(request)
  socket.once('end', () => socket.end())
  return buffer(socket)
}
