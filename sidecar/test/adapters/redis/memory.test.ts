import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openRedis, SILENT_REDIS } from '../../../src/adapters/redis/client.ts'
import { readMemoryRatio } from '../../../src/adapters/redis/health.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedisServer()
  redis = openRedis({ url: server.url, username: null, password: null, ca: null }, SILENT_REDIS)
  await once(redis, 'ready')
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
afterEach(async () => {
  await server.cli('ACL', 'SETUSER', 'default', '+@all')
  await server.cli('CONFIG', 'SET', 'maxmemory', '0')
})

async function usedBytes(): Promise<number> {
  return Number(/^used_memory:([0-9]+)/m.exec(await redis.info('memory'))?.[1])
}

test('a Redis without a bound is never full', async () => {
  expect(await readMemoryRatio(redis)).toBeNull()
})

test.each([0.5, 0.95])('a Redis of whose bound %d is used says so', async (ratio) => {
  await server.cli('CONFIG', 'SET', 'maxmemory', String(Math.round((await usedBytes()) / ratio)))
  expect(await readMemoryRatio(redis)).toBeCloseTo(ratio, 1)
})

test('a Redis that refuses writes is measured as more than full', async () => {
  await server.cli('CONFIG', 'SET', 'maxmemory', '1')
  await expect(redis.set('bg:x', '1')).rejects.toThrow('OOM')
  expect(await readMemoryRatio(redis)).toBeGreaterThan(1)
})

test('a Redis that does not say how full it is is not called empty', async () => {
  await server.cli('ACL', 'SETUSER', 'default', '-info')
  expect(await readMemoryRatio(redis)).toBeUndefined()
})
