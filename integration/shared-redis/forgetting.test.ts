import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { brickgate, redisCli } from '../harness/commands.ts'
import { start } from '../harness/processes.ts'
import { type Caller, makeCaller } from './callers.ts'
import { killRedis } from './faults.ts'
import { type Gateways, startGateways } from './gateways.ts'
import { recovery, revokeAll, warmUp } from './under-fault.ts'
import { revokeByRedis, type Send, sender, startLoad } from './under-load.ts'
import { type Run, verdictOf } from './verdict.ts'
import { type Cast, makeCast } from './victims.ts'

const BOUND_MS = 1000
const SKEW_S = 1
const PER_SECOND = 100

let gateways: Gateways
let stack: Gateways['both'][0]['stack']
let send: Send

beforeAll(async () => {
  gateways = await startGateways({
    config: { revocation: { max_staleness_ms: BOUND_MS, clock_skew_s: SKEW_S } },
  })
  stack = gateways.both[0].stack
  send = sender(gateways)
})

afterAll(() => gateways.stop())

describe.each([
  ['FLUSHALL', async () => void (await redisCli(stack.info, 'FLUSHALL'))],
  ['a Redis that is killed and comes back empty', killAndEmpty],
])('%s under load', (_name, lose) => {
  let cast: Cast
  let run: Run
  let lostMs: number

  // It happens once, so that a test that is tried again does not make up for what it found.
  beforeAll(async () => {
    cast = await makeCast(stack, { victims: 14, bystanders: 12 })
    await warmUp(send, [...cast.bystanders, ...cast.victims])
    const load = startLoad(send, cast, PER_SECOND)
    const revoke = revokeByRedis((args) => redisCli(stack.info, ...args))
    const watched = await revokeAll({ send, revoke, requestEveryMs: 20 }, cast.victims)
    await pause(200)
    const fromMs = performance.now()
    await lose()
    lostMs = performance.now()
    await pause(2 * BOUND_MS)
    const outcomes = await load.stop()
    run = {
      outcomes: [...outcomes, ...watched.flatMap((one) => one.outcomes)],
      revocations: watched.map(({ revocation }) => revocation),
      boundMs: BOUND_MS,
      outages: [{ fromMs, toMs: performance.now() }],
    }
  })

  it('a loss of Redis’ data under load un-revokes nobody, and answers nobody but with 503 and Retry-After', () => {
    expect(verdictOf(run)).toEqual({ lateAllows: [], wrongAnswers: [] })
  })

  it('a loss of Redis’ data under load lets no credential from before it pass once the bound is over', () => {
    const later = run.outcomes.filter(({ sentMs }) => sentMs > lostMs + BOUND_MS)
    expect(later.length).toBeGreaterThan(PER_SECOND / 2)
    expect(later.filter(({ status }) => status === 200)).toEqual([])
    expect(later.filter(({ status }) => status === 503).length).toBeGreaterThan(later.length / 3)
  })

  it('a loss of Redis’ data under load lets callers work who signed in after it', async () => {
    const { since } = JSON.parse(String(await stack.redis.get('bg:state'))) as { since: number }
    await expect
      .poll(() => Date.now() / 1000, { timeout: 5000 })
      .toBeGreaterThan(since + SKEW_S + 1)
    const newer = [
      await makeCaller(stack, { form: 'bearer' }),
      await makeCaller(stack, { form: 'session' }),
    ]
    for (const caller of newer) await expectEverywhere(caller, 200)
  })

  it('a loss of Redis’ data under load is ended by `brickgate state accept`: older tokens work again on both gateways', async () => {
    expect((await brickgate(stack.info, 'state', 'accept')).code).toBe(0)
    await recovery(
      send,
      cast.bystanders.filter(({ form }) => form === 'bearer'),
    )
  })
})

describe('a revocation that expires', () => {
  it('a revocation that expires refuses until then, and not much longer, on both gateways', async () => {
    const LIVES_MS = 2000
    const caller = await makeCaller(stack, { form: 'bearer' })
    const key = `bg:revoked:token:demo|${caller.tokenId}`
    await warmUp(send, [caller])
    const askedMs = performance.now()
    await redisCli(stack.info, 'SET', key, '1', 'PX', String(LIVES_MS))
    await vi.waitFor(() => expectEverywhere(caller, 401), { timeout: BOUND_MS, interval: 5 })
    while (performance.now() < askedMs + LIVES_MS - 200) await expectEverywhere(caller, 401)
    // it is over when Redis removes the key, for which it looks at some keys ten times a second
    await vi.waitFor(() => expectEverywhere(caller, 200), { timeout: 4 * BOUND_MS, interval: 20 })
  })
})

describe('a Redis that may evict what it is given', () => {
  it('a Redis that may evict what it is given is told by /readyz of both gateways, which serve on', async () => {
    const caller = await makeCaller(stack, { form: 'session' })
    await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const ready = await Promise.all(gateways.both.map(({ stack }) => stack.admin('/readyz')))
    await expectEverywhere(caller, 200)
    await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction')

    for (const { status, body } of ready) {
      expect(status).toBe(503)
      expect(JSON.parse(body)).toMatchObject({ redis: { eviction_policy: 'allkeys-lru' } })
    }
  })
})

/** By both gateways, and each often enough for both of its workers to be met. */
async function expectEverywhere(caller: Caller, status: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) => send(caller, at % 2 === 0 ? 0 : 1)),
  )
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status))
}

async function killAndEmpty(): Promise<void> {
  await killRedis(stack)
  rmSync(join(stack.info.demo.directory, 'redis/appendonlydir'), { recursive: true })
  await start(stack.info, 'redis')
}
