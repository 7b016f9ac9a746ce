import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { openSentinelRedis } from '../../../src/adapters/redis/sentinel.ts'
import { ok, refuse } from '../../../src/domain/result.ts'
import { storedText } from '../../../src/domain/stored-value.ts'
import type { KeyValues } from '../../../src/store/key-values.ts'
import { type RedisLog, redisLog } from '../../support/redis-log.ts'
import { type SentinelGroup, startSentinelGroup } from '../../support/redis-sentinels.ts'
import { redisCli } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { type Answers, keepReading } from './keep-reading-fixture.ts'

/**
 * The time for Sentinels to look for a primary (500 ms here) and to agree, and two seconds for the
 * sidecar.
 */
const RECOVERED_WITHIN_MS = 6000
const KEY = 'bg:revoked:all'

let group: SentinelGroup
let redis: Redis
let log: RedisLog
let keyValues: KeyValues

beforeEach(async () => {
  group = await startSentinelGroup()
  log = redisLog()
  redis = open()
  keyValues = createRedisKeyValues(redis, log)
  await until(async () => redis.status === 'ready')
  expect(await keyValues.write(KEY, '1', null)).toEqual(ok(undefined))
  expect(await keyValues.settle(KEY)).toEqual(ok(true))
})
afterEach(async () => {
  redis.disconnect()
  await group.stop()
})

function open(password: string | null = null): Redis {
  const [first, ...others] = group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  return openSentinelRedis(
    {
      sentinels: first === undefined ? others : [first, ...others],
      name: group.name,
      db: 0,
      username: null,
      password,
      sentinelCredentials: { username: null, password: null },
      tls: null,
    },
    log,
  )
}

async function recovery(answers: Answers): Promise<number> {
  const startedMs = performance.now()
  await until(async () => answers.failures > 0)
  const { served } = answers
  await until(async () => answers.served > served + 20)
  return performance.now() - startedMs
}

const isPrimary = async (server: SentinelGroup['replica']): Promise<boolean> =>
  (await server.cli('ROLE')).startsWith('master')

test('a primary that is killed is followed, and no key is absent meanwhile', async () => {
  const answers = keepReading(keyValues, [KEY])
  await group.primary.kill()
  expect(await recovery(answers)).toBeLessThan(RECOVERED_WITHIN_MS)
  await answers.stop()
  expect(answers.values).toEqual(new Set(['1']))
  expect(await keyValues.write(KEY, '2', null)).toEqual(ok(undefined))
  expect(await group.replica.cli('GET', KEY)).toBe('2')
})

test('a primary that was away and comes back is not believed any more', async () => {
  group.primary.pause()
  const answers = keepReading(keyValues, [KEY])
  await until(() => isPrimary(group.replica))
  await until(async () => (await keyValues.write(KEY, '2', null)).ok)
  await answers.stop()

  const later = keepReading(keyValues, [KEY])
  group.primary.resume()
  await until(async () => !(await isPrimary(group.primary))) // Sentinels demote it later
  await later.stop()
  expect(later.values).toEqual(new Set(['2']))
})

test('a primary that the Sentinels replace is let go of, although it answers', async () => {
  const answers = keepReading(keyValues, [KEY])
  await redisCli('-p', String(group.sentinels[0]?.port), 'SENTINEL', 'FAILOVER', group.name)
  await until(() => isPrimary(group.replica))
  const switchedMs = performance.now()
  await until(async () => {
    await keyValues.write(KEY, '2', null)
    return (await group.replica.cli('GET', KEY)) === '2'
  })
  expect(performance.now() - switchedMs).toBeLessThan(3000)
  await answers.stop()
  expect(answers.values).not.toContain(null)
})

test('a single Sentinel is enough to find the primary', async () => {
  for (const sentinel of group.sentinels.slice(0, -1)) await sentinel.stop()
  const further = open()
  await until(async () => further.status === 'ready')
  expect(await further.get(KEY)).toBe('1')
  further.disconnect()
})

test('a failure is reported without the password', async () => {
  await group.primary.cli('CONFIG', 'SET', 'requirepass', 'other')
  const stranger = open('hunter2-hunter2')
  await expect.poll(() => log.connectionFailures.join(), { timeout: 5000 }).toContain('WRONGPASS')
  expect(log.connectionFailures.join()).not.toContain('hunter2')
  expect(stranger.status).not.toBe('ready')
  stranger.disconnect()
})

test('a replica that does not answer is told of, and holds up nobody else', async () => {
  group.replica.pause()
  const startedMs = performance.now()
  const writing = keyValues.write(KEY, '3', null).then(() => keyValues.settle(KEY))
  const answers = keepReading(keyValues, [KEY])
  expect(await writing).toEqual(ok(false))
  expect(performance.now() - startedMs).toBeLessThan(1500)
  await answers.stop()
  expect(answers).toMatchObject({ failures: 0 })
  group.replica.resume()
  await until(async () => (await keyValues.settle(KEY)).ok)
  await expect.poll(() => keyValues.settle(KEY), { timeout: 5000 }).toEqual(ok(true))
  expect(await keyValues.read([KEY])).toEqual(ok([storedText('3')]))
})

test('without Sentinels nothing is answered, and nothing gives up', async () => {
  const lonely = openSentinelRedis(
    {
      sentinels: [{ host: '127.0.0.1', port: 1 }],
      name: group.name,
      db: 0,
      username: null,
      password: null,
      sentinelCredentials: { username: null, password: null },
      tls: null,
    },
    log,
  )
  await expect
    .poll(() => log.connectionFailures.length, { timeout: 5000 })
    .toBeGreaterThanOrEqual(3)
  expect(await createRedisKeyValues(lonely, log).read([KEY])).toEqual(refuse('state-unavailable'))
  expect(lonely.status).toBe('connecting')
  lonely.disconnect()
})
