import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { probeRedis } from '../../../src/adapters/redis/health.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedisServer()
  const settings = { url: server.url, username: null, password: null, ca: null }
  redis = openRedis(settings, redisLog())
  await once(redis, 'ready')
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
afterEach(async () => {
  await server.cli('ACL', 'SETUSER', 'default', '+@all')
  await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
})

test('a Redis that never evicts is ready', async () => {
  expect(await probeRedis(redis)).toEqual({
    isUp: true,
    evictionPolicy: 'noeviction',
    isReady: true,
  })
})

test.each(['allkeys-lru', 'volatile-ttl', 'volatile-lru', 'allkeys-random'])(
  'a Redis with %s is not ready',
  async (evictionPolicy) => {
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', evictionPolicy)
    expect(await probeRedis(redis)).toEqual({ isUp: true, evictionPolicy, isReady: false })
  },
)

test('CONFIG may be forbidden', async () => {
  await server.cli('ACL', 'SETUSER', 'default', '-config')
  expect((await probeRedis(redis)).isReady).toBe(true)
})

test('a Redis that does not reveal its policy is up and not ready', async () => {
  await server.cli('ACL', 'SETUSER', 'default', '-info')
  expect(await probeRedis(redis)).toEqual({ isUp: true, evictionPolicy: null, isReady: false })
})

test('a Redis that does not answer is not up, and is up again afterwards', async () => {
  server.pause()
  expect(await probeRedis(redis)).toEqual({ isUp: false, evictionPolicy: null, isReady: false })
  server.resume()
  await expect.poll(async () => (await probeRedis(redis)).isReady, { timeout: 5000 }).toBe(true)
})
