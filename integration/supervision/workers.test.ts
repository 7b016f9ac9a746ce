import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { isRunning } from '../../launch/process.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { pidOf, socketPath, type WorkerProcess, workersOf } from '../harness/processes.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { type Caller, callers, expectRightVerdicts, isVerdict, startLoad } from './load.ts'
import { startScraping } from './scraping.ts'

const FULL_STRENGTH_WITHIN_MS = 3000
const AUTHORIZERS = 2
/** A start takes processor time, which others on this machine may want at the same moment. */
const TIMED = { retry: 2 }

let stack: StackClient
let everyone: readonly [Caller, ...Caller[]]

beforeAll(async () => {
  stack = stackClient(await startStack())
  everyone = await callers(stack)
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe.each(['SIGKILL', 'SIGSTOP'] as const)('a worker under load that gets %s', (signal) => {
  it(
    'the end of a worker under load costs no wrong verdict, siblings serve on, totals never fall, full strength is back in 3 s',
    TIMED,
    async () => {
      const load = startLoad(stack, everyone)
      const scraping = startScraping(stack)
      await someTime(1000)
      const victim = await anyAuthorizer()
      const killedMs = performance.now()
      process.kill(victim.pid, signal)
      const backMs = await fullStrengthWithout(victim)
      await someTime(500)
      const outcomes = await load.stop()
      const { falls, longestMs } = await scraping.stop()

      expect(backMs - killedMs).toBeLessThan(FULL_STRENGTH_WITHIN_MS)
      expect(falls).toEqual([])
      expect(longestMs).toBeLessThan(1500)
      await expectRightVerdicts(stack, outcomes)
      const later = outcomes.filter(({ sentMs }) => sentMs > killedMs + 100)
      expect(later.length).toBeGreaterThan(50)
      expect(later.filter((outcome) => !isVerdict(outcome))).toEqual([])
      expect(Math.max(...later.map(({ sentMs, answeredMs }) => answeredMs - sentMs))).toBeLessThan(
        1000,
      )
    },
  )
})

describe('the responder', () => {
  it(
    'the responder dies of a record of unknown type, is back in 3 s, and authorization does not notice',
    TIMED,
    async () => {
      const load = startLoad(stack, everyone)
      const [victim] = workersOf(stack.info, 'responder')
      if (victim === undefined) throw new Error('no responder')
      const exitsBefore = await exits('responder')
      await expectServing()
      const killedMs = performance.now()
      await sendPoison()
      await vi.waitFor(() => expect(isRunning(victim.pid)).toBe(false), WAIT)
      const refused = await whoami()
      const backMs = await fullStrengthWithout(victim)
      const outcomes = await load.stop()
      await expectServing()

      expect(refused.status).toBe(503)
      expect(refused.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
      expect(backMs - killedMs).toBeLessThan(FULL_STRENGTH_WITHIN_MS)
      await expectRightVerdicts(stack, outcomes)
      expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
      expect(await exits('responder')).toBe(exitsBefore + 1)
    },
  )
})

describe('a primary under SIGSTOP', () => {
  it('a primary under SIGSTOP does not stop its workers from serving, and kills none of them when it goes on', async () => {
    const primary = pidOf(stack.info, 'sidecar')
    const before = workersOf(stack.info, 'authorizer').map(({ pid }) => pid)
    const load = startLoad(stack, everyone)
    process.kill(primary, 'SIGSTOP')
    await someTime(2500)
    process.kill(primary, 'SIGCONT')
    await someTime(500)
    const outcomes = await load.stop()

    await expectRightVerdicts(stack, outcomes)
    expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
    expect(workersOf(stack.info, 'authorizer').map(({ pid }) => pid)).toEqual(before)
  })
})

const WAIT = { timeout: 8000, interval: 100 }

function someTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function whoami(): ReturnType<StackClient['sendAs']> {
  return stack.sendAs(everyone[0].token, '/_brickgate/whoami')
}

/** lighttpd takes up to two seconds to try a socket again that it found missing. */
async function expectServing(): Promise<void> {
  await vi.waitFor(async () => expect((await whoami()).status).toBe(200), WAIT)
}

async function anyAuthorizer(): Promise<WorkerProcess> {
  const [victim, ...others] = workersOf(stack.info, 'authorizer')
  if (victim === undefined || others.length !== AUTHORIZERS - 1) throw new Error('not all serve')
  return victim
}

/**
 * @returns when the sidecar was whole again by its own word, and by the processes that there are
 */
async function fullStrengthWithout(victim: WorkerProcess): Promise<number> {
  await vi.waitFor(async () => {
    expect(isRunning(victim.pid)).toBe(false)
    const metrics = await stack.metrics()
    const configured = metrics.get('brickgate_workers{state="configured"}')
    expect(metrics.get('brickgate_workers{state="ready"}')).toBe(configured)
    expect(workersOf(stack.info, 'authorizer')).toHaveLength(AUTHORIZERS)
  }, WAIT)
  return performance.now()
}

async function exits(role: string): Promise<number> {
  return (await stack.metrics()).get(`brickgate_worker_exits_total{role="${role}"}`) ?? 0
}

/**
 * A management record of a type that FastCGI does not have, as one that knows of no such thing
 * sends.
 */
function sendPoison(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(stack.info, 'responder-0'))
    socket.once('connect', () => socket.end(Buffer.from([1, 99, 0, 0, 0, 0, 0, 0])))
    socket.once('error', () => undefined) // nobody listens while the responder is away
    socket.once('close', () => resolve())
    socket.resume()
  })
}
