import { seenKey, sessionKey, subjectSessionsKey } from '../../sidecar/src/domain/redis-keys.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { start, stop } from '../harness/processes.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { startStack, stopStack } from '../harness/stack.ts'

/** A gateway whose Redis holds so many sessions. */
export interface FilledStack {
  readonly stack: StackClient
  /** sessions with a key; the remaining records have the same form and no key */
  readonly sessions: readonly MadeSession[]
  /** of Redis, for each of the others: record, last seen and index; NaN without others */
  readonly bytesPerSession: number
  stop(): Promise<void>
}

/** How many of them can be presented. */
export const USABLE = 1000

const BATCH = 10_000

/**
 * Records under random ids, made in Redis itself. The text of a real one is copied, and its end,
 * which is random in each, replaced.
 */
const FILL = `
local record, now, expires = ARGV[1], ARGV[2], ARGV[3]
for number = tonumber(ARGV[4]), tonumber(ARGV[5]) do
  local sid = redis.sha1hex(number) .. string.sub(redis.sha1hex('sid' .. number), 1, 24)
  local text = string.sub(record, 1, -41) .. redis.sha1hex('record' .. number)
  redis.call('SET', KEYS[1] .. sid, text, 'EXAT', expires)
  redis.call('SET', KEYS[2] .. sid, now, 'EXAT', expires)
  redis.call('ZADD', KEYS[3] .. 'demo|' .. redis.sha1hex('subject' .. number), expires, sid)
end`

/** @param count of all sessions, at least `USABLE` */
export async function startFilledStack(count: number): Promise<FilledStack> {
  const info = await startStack({ config: { sessions: SESSIONS } })
  const stack = stackClient(info)
  await stop(info, 'sidecar') // it would be told of each record
  await stack.redis.config('SET', 'appendonly', 'no')
  const accessToken = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const sessions: MadeSession[] = []
  while (sessions.length < USABLE) sessions.push(await makeSession(stack, { accessToken }))
  const before = await usedBytes(stack)
  await fill(stack, count - USABLE, sessions[0])
  const bytesPerSession = ((await usedBytes(stack)) - before) / (count - USABLE)
  await start(info, 'sidecar')
  return {
    ...{ stack, sessions, bytesPerSession },
    async stop() {
      stack.close()
      await stopStack(info)
    },
  }
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
const SESSIONS = { idle_timeout_s: 3600, keys: ['${file:secrets/session-key}'] }

async function fill({ redis }: StackClient, count: number, like?: MadeSession): Promise<void> {
  const record = await redis.get(sessionKey(like?.sid ?? ''))
  if (record === null || like === undefined) throw new Error('no session to make others like')
  const { createdAtSeconds, expiresAtSeconds } = like.session
  const prefixes = [sessionKey(''), seenKey(''), subjectSessionsKey('')]
  for (let from = 1; from <= count; from += BATCH) {
    const range = [from, Math.min(count, from + BATCH - 1)]
    await redis.eval(FILL, 3, ...prefixes, record, createdAtSeconds, expiresAtSeconds, ...range)
  }
}

async function usedBytes({ redis }: StackClient): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}
