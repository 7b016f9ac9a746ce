import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { isCluster, type RedisClient } from '../../../src/adapters/redis/client.ts'
import { probeRedis } from '../../../src/adapters/redis/health.ts'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { slotOf } from '../../../src/adapters/redis/topology.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import { redisSchema } from '../../../src/config/redis-schema.ts'
import type { InvalidationFeed } from '../../../src/near-cache/feed.ts'
import { createNearCache, type NearCache } from '../../../src/near-cache/near-cache.ts'
import { openConfiguredFeed } from '../../../src/wiring/invalidation-feed.ts'
import { openConfiguredRedis } from '../../../src/wiring/redis.ts'
import { documentedUsers, PASSWORD } from '../../support/documented-users.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { redisLog } from '../../support/redis-log.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const INTERVAL_MS = 100
const MAX_STALENESS_MS = 600
const KEYS = Array.from({ length: 30 }, (_, n) => `bg:revoked:subject:okta|00u${n}`)
const KEY = KEYS[0] ?? ''

let cluster: RedisCluster
/** writes behind the sidecar's back */
let operator: Cluster
let redis: RedisClient
let feed: InvalidationFeed
let cache: NearCache
let heard: string[]
let hits: number

beforeAll(async () => {
  cluster = await startRedisCluster()
  for (const server of cluster.servers) await permit(server)
  operator = new Cluster([{ host: '127.0.0.1', port: cluster.servers[0]?.port ?? 0 }])
})
afterAll(async () => {
  operator.disconnect()
  await cluster.stop()
})

beforeEach(async () => {
  const [address = ''] = cluster.servers.map(({ port }) => `127.0.0.1:${port}`)
  const config = {
    redis: redisSchema.parse({ cluster: [address], username: 'brickgate', password: PASSWORD }),
  }
  redis = openConfiguredRedis(config, redisLog())
  await until(async () => (await probeRedis(redis)).isReady)
  await Promise.all(KEYS.map((key) => operator.set(key, '0')))
  await operator.set('bg:state', JSON.stringify({ id: 'a', since: 0 }))
  let ids = 0
  heard = []
  hits = 0
  feed = openConfiguredFeed(config, {
    commands: redis,
    connectionObserver: redisLog(),
    observer: { lag: () => {}, staleness: () => {}, failed: () => {} },
    clock: SYSTEM_CLOCK,
    newId: () => `feed-${process.pid}-${++ids}`,
    intervalMs: INTERVAL_MS,
  })
  cache = createNearCache({
    keyValues: createRedisKeyValues(redis, redisLog()),
    feed,
    observer: { hit: () => void hits++, miss: () => {}, invalidated: () => {} },
    maxStalenessMs: MAX_STALENESS_MS,
    serveKnownForMs: null,
    bounds: { maxEntries: 1000, maxCharacters: 1_000_000 },
  })
  feed.start({
    invalidated: (keys) => {
      heard.push(...keys)
      cache.invalidated(keys)
    },
    reset: (why) => {
      heard.push('reset')
      cache.reset(why)
    },
  })
  await untilFresh()
})
afterEach(() => {
  feed.close()
  redis.disconnect()
})

async function permit(server: RedisServer): Promise<void> {
  const { sidecar, sidecarInCluster } = documentedUsers()
  await server.cli(...sidecar)
  await server.cli(...sidecarInCluster)
}

function otherThan(owner: RedisServer): RedisServer {
  const other = cluster.servers.find((server) => server !== owner)
  if (other === undefined) throw new Error('one server')
  return other
}

const untilFresh = () => until(async () => feed.stalenessMs() < MAX_STALENESS_MS / 2)

async function read(key: string): Promise<string | null> {
  const reading = await cache.read([key])
  if (!reading.ok) return reading.reason
  const [value] = reading.value.values
  return value?.kind === 'text' ? value.text : null
}

/** How many of a writer's values were still read after the bound, while `work` goes on. */
async function staleReadsDuring(work: Promise<unknown>): Promise<{ stale: number; wrong: number }> {
  const finished = new AbortController()
  const ending = work.finally(() => finished.abort())
  let stale = 0
  let wrong = 0
  for (let count = 1; !finished.signal.aborted; count += 1) {
    await operator.set(KEY, String(count))
    const writtenMs = performance.now()
    let value = await read(KEY)
    while (value !== String(count) && performance.now() - writtenMs < MAX_STALENESS_MS + 250) {
      if (value === null) wrong += 1
      await new Promise((resolve) => setTimeout(resolve, 2))
      value = await read(KEY)
    }
    if (value !== String(count) && value !== 'state-unavailable') stale += 1
  }
  await ending
  return { stale, wrong }
}

test('every primary says what changed on it', async () => {
  await Promise.all(KEYS.map((key) => operator.set(key, '1')))
  await until(async () => KEYS.every((key) => heard.includes(key)))
  expect(new Set(KEYS.map((key) => Math.floor((slotOf(key) * 3) / 16_384))).size).toBe(3)
  expect(heard.some((key) => key.includes('heartbeat'))).toBe(false)
  expect(feed.serverId()?.split(' ')).toHaveLength(3)
})

test('a cached value is dropped within milliseconds, and costs no read until then', async () => {
  expect(await read(KEY)).toBe('0')
  expect(await read(KEY)).toBe('0')
  expect(hits).toBe(1)
  await operator.set(KEY, '1')
  const writtenMs = performance.now()
  await until(async () => heard.includes(KEY))
  expect(performance.now() - writtenMs).toBeLessThan(200)
  expect(await read(KEY)).toBe('1')
})

test('a FLUSHALL of one primary resets everything', async () => {
  heard.length = 0
  const owner = await cluster.ownerOf(slotOf(KEY))
  await owner.cli('FLUSHALL')
  await until(async () => heard.includes('reset'))
  expect(await read(KEY)).toBeNull()
})

test('a slot that moves resets everything, and no value is served beyond the bound', async () => {
  const target = otherThan(await cluster.ownerOf(slotOf(KEY)))
  heard.length = 0
  expect(await staleReadsDuring(cluster.move(slotOf(KEY), target, 200))).toEqual({
    stale: 0,
    wrong: 0,
  })
  await until(async () => heard.includes('reset'))
  await untilFresh()
  await operator.set(KEY, 'moved')
  await until(async () => (await read(KEY)) === 'moved')
})

test('a primary without a slot is listened to before its first one arrives', async () => {
  const target = await cluster.add()
  await permit(target)
  await until(async () => (await target.cli('CLIENT', 'LIST')).includes('sub=1 '))
  await untilFresh()
  expect(await staleReadsDuring(cluster.move(slotOf(KEY), target, 200))).toEqual({
    stale: 0,
    wrong: 0,
  })
  await expect.poll(() => feed.serverId()?.split(' ').length, { timeout: 5000 }).toBe(4)
  await untilFresh()
})

test('a primary that is gone makes all of it stale, until it is back', async () => {
  expect(isCluster(redis)).toBe(true)
  const gone = await cluster.ownerOf(slotOf(KEY))
  await gone.kill()
  await until(async () => feed.stalenessMs() > MAX_STALENESS_MS)
  expect(feed.serverId()).toBeNull()
  hits = 0
  await read(KEY)
  expect(hits).toBe(0)
  await gone.start()
  await permit(gone)
  await untilFresh()
})

test('a primary that is silent makes all of it stale', async () => {
  const [, silent] = cluster.servers
  silent?.pause()
  await expect.poll(feed.stalenessMs, { timeout: 5000 }).toBeGreaterThan(MAX_STALENESS_MS)
  silent?.resume()
  await untilFresh()
})

test('a tracking connection that is cut is made again, with everything dropped', async () => {
  heard.length = 0
  const owner = await cluster.ownerOf(slotOf(KEY))
  await owner.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(async () => heard.includes('reset'))
  await untilFresh()
  await operator.set(KEY, 'again')
  await expect.poll(() => heard, { timeout: 5000 }).toContain(KEY)
})
