import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedis } from '../../src/adapters/redis/client.ts'
import { createRedisKeyValues } from '../../src/adapters/redis/key-values.ts'
import { seenKey, sessionKey } from '../../src/domain/redis-keys.ts'
import { ok } from '../../src/domain/result.ts'
import { ABSENT } from '../../src/domain/stored-value.ts'
import { type Session, sessionIdFrom } from '../../src/session/session.ts'
import { createSessionRegistry, type SessionRegistry } from '../../src/session/session-registry.ts'
import type { SessionReader } from '../../src/session/session-store.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import type { KeyValues } from '../../src/store/key-values.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import { createStateStores } from '../../src/store/state-stores.ts'
import { redisLog } from '../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { anomalyLog, CIPHER, SESSION, sealedSeen, seenSeal } from '../support/session-fixture.ts'
import { uncachedReader } from '../support/uncached-reader.ts'

/** A process with its own connection to the shared Redis. */
interface Sidecar {
  readonly keyValues: KeyValues
  readonly registry: SessionRegistry
  readonly sessions: SessionReader
  close(): void
}

const RUNS = 1000
const NOW = Math.floor(Date.now() / 1000)
const END = NOW + 28_800
const ACTIONS = ['touch', 'refresh', 'refresh again', 'end'] as const

let server: RedisServer
let sidecars: readonly Sidecar[]

beforeAll(async () => {
  server = await startRedisServer()
  sidecars = await Promise.all([connect(), connect(), connect()])
})
afterAll(async () => {
  for (const sidecar of sidecars) sidecar.close()
  await server.stop()
})

/** @param change faults of its commands */
async function connect(
  change: (own: KeyValues) => Partial<KeyValues> = () => ({}),
): Promise<Sidecar> {
  const redis = openRedis(
    { url: server.socketUrl, username: null, password: null, ca: null },
    redisLog(),
  )
  await once(redis, 'ready')
  const own = createRedisKeyValues(redis, redisLog())
  const keyValues = { ...own, ...change(own) }
  const observer = anomalyLog()
  return {
    keyValues,
    registry: createSessionRegistry({
      records: createSessionRecords(keyValues),
      cipher: CIPHER,
      observer,
      seal: seenSeal(observer),
      newId: () => sessionIdFrom(randomBytes(32)),
      maxPerSubject: 500,
      isIdle: createIdleRule(1800, () => []),
    }),
    sessions: createStateStores({
      keyValues,
      reader: uncachedReader(keyValues),
      observer,
      newId: () => 'state',
      longestAcceptanceSeconds: 108_000,
    }).sessions,
    close: () => redis.disconnect(),
  }
}

interface Race {
  readonly order: readonly (typeof ACTIONS)[number][]
  /** turns of the event loop before each action begins */
  readonly turns: readonly number[]
}

const races: fc.Arbitrary<Race> = fc.record({
  order: fc.shuffledSubarray([...ACTIONS], { minLength: ACTIONS.length }),
  turns: fc.array(fc.nat(8), { minLength: ACTIONS.length, maxLength: ACTIONS.length }),
})

interface Outcome {
  readonly isBack: boolean
  readonly isRefreshed: boolean
}

/** Lets several sidecars at one session at the same time, one of which ends it. */
async function run(by: readonly Sidecar[], { order, turns }: Race): Promise<Outcome> {
  const [first = by[0]] = by
  if (first === undefined) throw new Error('no sidecar')
  const { sid: _, ...rest } = SESSION
  const draft = { ...rest, createdAtSeconds: NOW, expiresAtSeconds: END }
  const made = await first.registry.open(draft, NOW)
  if (!made.ok) throw new Error(made.reason)
  const { session } = made.value

  const done = await Promise.all(
    order.map(async (action, index) => {
      for (let left = turns[index] ?? 0; left > 0; left -= 1) await turn()
      return act(action, session, by[index % by.length] ?? first)
    }),
  )
  expect(done.every(({ ok }) => ok)).toBe(true)
  expect(done[order.indexOf('end')]).toEqual(ok(true))

  const found = await first.keyValues.read([sessionKey(session.sid)])
  const refreshes = ['refresh', 'refresh again'] as const
  return {
    isBack: !(found.ok && found.value[0] === ABSENT),
    isRefreshed: refreshes.some((name) => {
      const refreshed = done[order.indexOf(name)]
      return refreshed?.ok === true && refreshed.value === true
    }),
  }
}

function act(action: Race['order'][number], session: Session, { registry, sessions }: Sidecar) {
  switch (action) {
    case 'touch':
      return sessions.touch(session.sid, sealedSeen(session.sid, NOW), session.expiresAtSeconds)
    case 'end':
      return registry.end(session)
    default:
      return registry.update(session, { ...session, refreshToken: action.replace(' ', '-') })
  }
}

describe('a session that is used, refreshed and ended at once', () => {
  test(`never comes back, in ${RUNS} orders`, async () => {
    let refreshed = 0
    await fc.assert(
      fc.asyncProperty(races, async (race) => {
        const { isBack, isRefreshed } = await run(sidecars, race)
        if (isRefreshed) refreshed += 1
        expect(isBack).toBe(false)
      }),
      { numRuns: RUNS },
    )
    // Else one of them was always first, and nothing was tried.
    expect(refreshed).toBeGreaterThan(RUNS / 20)
    expect(refreshed).toBeLessThan(RUNS - RUNS / 20)
    expect(await sidecars[0]?.registry.list('okta|00u1alice', NOW)).toEqual(ok([]))
    expect(await server.cli('--scan', '--pattern', 'bg:session:*')).toBe('')
    await expectNotesToEnd()
  }, 120_000)

  test.each<[string, (own: KeyValues) => Partial<KeyValues>]>([
    [
      'a refresh that only sets',
      (own) => ({
        replace: async (key, _expected, text) => {
          await own.write(key, text, END)
          return ok(true)
        },
      }),
    ],
    [
      'a refresh that looks first, and then sets',
      (own) => ({
        replace: async (key, expected, text) => {
          const held = await own.read([key])
          const value = held.ok ? held.value[0] : undefined
          if (value?.kind !== 'text' || value.text !== expected) return ok(false)
          await own.write(key, text, END)
          return ok(true)
        },
      }),
    ],
  ])('would come back by %s', async (_, change) => {
    const broken = await Promise.all([connect(change), connect(change), connect(change)])
    const tried = await fc.check(
      fc.asyncProperty(races, async (race) => !(await run(broken, race)).isBack),
      { numRuns: RUNS, endOnFailure: true },
    )
    for (const sidecar of broken) sidecar.close()
    expect(tried.failed).toBe(true)
  })
})

/** A note may be written after the end; it grants nothing, and ends when the session would have. */
async function expectNotesToEnd(): Promise<void> {
  const seen = await server.cli('--scan', '--pattern', seenKey('*'))
  const keys = seen === '' ? [] : seen.split('\n')
  for (const key of keys.slice(0, 20)) {
    expect(Number(await server.cli('EXPIRETIME', key))).toBe(END)
  }
}
