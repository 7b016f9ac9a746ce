import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { ok, refuse } from '../../../src/domain/result.ts'
import { ABSENT } from '../../../src/domain/stored-value.ts'
import {
  createRevocationView,
  type RevocationView,
} from '../../../src/revocation/revocation-view.ts'
import { createRevocationWriter } from '../../../src/revocation/revocation-writer.ts'
import { createSessionRecords } from '../../../src/store/session-records.ts'
import { acceptState, initState } from '../../../src/store/state-record.ts'
import { createStateStores, type StateStores } from '../../../src/store/state-stores.ts'
import { type RedisLog, redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { ALICE, anomalyLog, SESSION } from '../../support/session-fixture.ts'
import { uncachedReader } from '../../support/uncached-reader.ts'

const KEYS = ['a', 'b', 'c']
const CLOCK_SKEW_SECONDS = 5
const MADE = { subject: 'okta|00u1alice', expiresAtSeconds: now() + 100 }
const UNAVAILABLE = refuse('state-unavailable')

let server: RedisServer
let redis: Redis
let log: RedisLog
let stores: StateStores
let view: RevocationView

beforeEach(async () => {
  server = await startRedisServer()
  log = redisLog()
  redis = openRedis({ url: server.url, username: null, password: null, ca: null }, log)
  await once(redis, 'ready')
  stores = createStateStores({
    keyValues: createRedisKeyValues(redis, log),
    reader: uncachedReader(createRedisKeyValues(redis, log)),
    observer: anomalyLog(),
    newId: () => 'id',
    longestAcceptanceSeconds: 108_000,
  })
  view = createRevocationView({
    store: stores.revocations,
    observer: anomalyLog(),
    clockSkewSeconds: CLOCK_SKEW_SECONDS,
  })
  await initState(createRedisKeyValues(redis, log), 'first')
})
afterEach(async () => {
  redis.disconnect()
  await server.stop()
})

function now(): number {
  return Date.now() / 1000
}

const read = () => stores.revocations.read(KEYS, now())

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startedMs = performance.now()
  return { value: await work(), ms: performance.now() - startedMs }
}

const until = (isOk: boolean) =>
  expect.poll(async () => (await read()).ok, { timeout: 5000, interval: 20 }).toBe(isOk)

test('a paused Redis refuses within its timeout, and is back without a restart', async () => {
  expect((await read()).ok).toBe(true)
  server.pause()
  for (const round of [1, 2, 3, 4, 5, 6]) {
    const { value, ms } = await timed(read)
    expect(value, `round ${round}`).toEqual(UNAVAILABLE)
    expect(ms).toBeLessThan(480)
  }
  server.resume()
  await until(true)
  expect(log.connectionFailures.join()).toContain('Socket timeout')
})

test('a request that comes while others wait for a paused Redis does not wait twice', async () => {
  server.pause()
  const first = timed(read)
  await new Promise((resolve) => setTimeout(resolve, 5))
  const [one, two] = await Promise.all([first, timed(read)])
  expect([one.value, two.value]).toEqual([UNAVAILABLE, UNAVAILABLE])
  expect(two.ms).toBeLessThan(480)
  server.resume()
})

test('nothing piles up for a Redis that stays paused', async () => {
  server.pause()
  await Promise.all(Array.from({ length: 500 }, read))
  await expect.poll(() => redis.status, { timeout: 5000 }).not.toBe('ready')
  const { value, ms } = await timed(() => Promise.all(Array.from({ length: 500 }, read)))
  expect(value).toEqual(Array.from({ length: 500 }, () => UNAVAILABLE))
  expect(ms).toBeLessThan(480)
  expect(redis.commandQueue.length).toBe(0)
  server.resume()
  await until(true)
})

test('every operation is refused, and none rejects, while Redis is gone', async () => {
  await server.kill()
  const { sessions, revocations } = stores
  const keyValues = createRedisKeyValues(redis, log)
  const records = createSessionRecords(keyValues)
  const writer = createRevocationWriter({ records: keyValues, lifetimeSeconds: 100 })
  const { sid } = SESSION
  const outcomes = await Promise.all([
    revocations.read(KEYS, now()),
    sessions.read(sid, now()),
    sessions.readSeen(sid),
    sessions.touch(sid, '1', now() + 100),
    records.create({ ...MADE, sid }, 'record'),
    records.read([sid]),
    records.replace(sid, 'record', 'other'),
    records.delete(sid, MADE.subject),
    records.sidsOf(MADE.subject),
    records.dropFromIndex(MADE.subject, [sid]),
    writer.revoke({ target: { kind: 'all' } }, now()),
    writer.unrevoke({ kind: 'all' }),
    keyValues.settle('a'),
    acceptState(keyValues, 'id'),
  ])
  expect(outcomes).toEqual(outcomes.map(() => UNAVAILABLE))
  expect(log.commands.at(-1)?.failure).not.toBeNull()
  expect((await timed(read)).ms).toBeLessThan(100)
})

test.each([
  ['reads are forbidden', ['ACL', 'SETUSER', 'default', '-get']],
  ['bg:state cannot be written', ['ACL', 'SETUSER', 'default', '-set']],
])('nothing is made up where %s', async (_, command) => {
  await server.cli('DEL', 'bg:state')
  await server.cli(...command)
  expect(await read()).toEqual(UNAVAILABLE)
})

test('a full Redis refuses writes, and goes on answering', async () => {
  await server.cli('SET', 'bg:revoked:token:okta|jti-1', '1')
  await server.cli('CONFIG', 'SET', 'maxmemory', '1')
  const records = createSessionRecords(createRedisKeyValues(redis, log))
  expect(await records.create({ ...MADE, sid: SESSION.sid }, 'record')).toEqual(UNAVAILABLE)
  expect(await view.check(ALICE, null, now())).toEqual(refuse('token-revoked'))
})

test('a Redis restarted empty has lost older tokens until the loss is accepted', async () => {
  const older = { ...ALICE, issuedAtSeconds: Math.floor(now()) }
  await server.cli('SET', 'bg:revoked:token:okta|jti-1', '1')
  expect(await view.check(older, null, now())).toEqual(refuse('token-revoked'))
  await server.kill()
  expect(await view.check(older, null, now())).toEqual(UNAVAILABLE)
  await server.start()
  await until(true)
  expect(await view.check(older, null, now())).toEqual(refuse('state-lost'))
  const newer = { ...ALICE, issuedAtSeconds: Math.ceil(now()) + CLOCK_SKEW_SECONDS + 1 }
  expect(await view.check(newer, null, now())).toEqual(ok({ isFromOutage: false }))
  expect(await acceptState(createRedisKeyValues(redis, log), 'id')).toEqual(ok('accepted'))
  expect(await view.check(older, null, now())).toEqual(ok({ isFromOutage: false }))
})

test('reads are single GETs, and the state is read last', async () => {
  await server.cli('CONFIG', 'RESETSTAT')
  const monitor = redis.duplicate()
  const seen: string[][] = []
  const watching = await monitor.monitor()
  watching.on('monitor', (_time: string, args: string[]) => void seen.push(args))
  await read()
  await expect.poll(() => seen.length).toBeGreaterThanOrEqual(4)
  expect(seen.map((args) => args.join(' ').toLowerCase())).toEqual([
    'get a',
    'get b',
    'get c',
    'get bg:state',
  ])
  watching.disconnect()
  monitor.disconnect()
})

test('a key that changes is read as it is 50 ms later', async () => {
  await server.cli('SET', 'a', '1')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const reading = await read()
  expect(reading.ok && reading.value.values[0]).toEqual({ kind: 'text', text: '1' })
  await server.cli('DEL', 'a')
  const again = await read()
  expect(again.ok && again.value.values[0]).toEqual(ABSENT)
  expect(log.commands.every(({ seconds }) => seconds >= 0 && seconds < 1)).toBe(true)
})
