import { hash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RedisClient } from '../../../src/adapters/redis/client.ts'
import { probeRedis } from '../../../src/adapters/redis/health.ts'
import { scanSids } from '../../../src/adapters/redis/session-scan.ts'
import { redisSchema } from '../../../src/config/redis-schema.ts'
import { openConfiguredRedis } from '../../../src/wiring/redis.ts'
import { startRedisCluster } from '../../support/redis-cluster.ts'
import { inCluster, overUnixSocket, type RedisDeployment } from '../../support/redis-deployments.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const SIDS = Array.from({ length: 3000 }, (_, number) => hash('sha256', String(number), 'hex'))

/** Writes every session, a few at a time and again where a busy machine lets one time out. */
async function fill(redis: RedisClient): Promise<void> {
  for (let at = 0; at < SIDS.length; at += 200) {
    const batch = SIDS.slice(at, at + 200)
    await until(async () => {
      await Promise.all(batch.map((sid) => redis.set(`bg:session:${sid}`, 'x')))
      return true
    })
  }
}

describe.each([
  ['Redis', overUnixSocket],
  ['a Redis Cluster', inCluster],
])('a walk of all sessions in %s', (_, start) => {
  let deployment: RedisDeployment
  let redis: RedisClient

  beforeAll(async () => {
    deployment = await start()
    redis = openConfiguredRedis({ redis: redisSchema.parse(deployment.redis) }, redisLog())
    await until(async () => (await probeRedis(redis)).isReady)
  })
  afterAll(async () => {
    redis.disconnect()
    await deployment.stop()
  })
  beforeEach(() => deployment.flush())

  async function pages(): Promise<readonly (readonly string[])[]> {
    const found = []
    for await (const page of scanSids(redis)) found.push(page)
    return found
  }

  test('finds none in an empty one', async () => {
    expect(await pages()).toEqual([])
  })

  test('finds each, a page at a time, and nothing else', async () => {
    await fill(redis)
    for (const key of ['bg:session:x:heartbeat', 'bg:session:', `bg:seen:${SIDS[0]}`, 'bg:state']) {
      await redis.set(key, 'x')
    }
    const found = await pages()
    expect([...new Set(found.flat())].sort()).toEqual(SIDS.toSorted())
    expect(Math.max(...found.map((page) => page.length))).toBeLessThan(300)
  })

  test('finds what is there all the time while others come and go', async () => {
    await fill(redis)
    const [gone, stay] = [SIDS.slice(0, 1000), SIDS.slice(1000)]
    const found = new Set<string>()
    for await (const page of scanSids(redis)) {
      for (const sid of page) found.add(sid)
      const going = gone.splice(0, 100)
      await Promise.all(going.map((sid) => redis.del(`bg:session:${sid}`)))
    }
    expect(stay.filter((sid) => !found.has(sid))).toEqual([])
  })
})

test('a walk of a Redis Cluster ends without a result while one of its primaries is away', async () => {
  const cluster = await startRedisCluster()
  const address = `127.0.0.1:${cluster.servers[0]?.port}`
  const config = { redis: redisSchema.parse({ cluster: [address] }) }
  const redis = openConfiguredRedis(config, redisLog())
  try {
    await until(async () => (await probeRedis(redis)).isReady)
    expect((await scanSids(redis).next()).done).toBe(true)
    await cluster.servers[1]?.kill()
    await expect(scanSids(redis).next()).rejects.toThrow('not all of its servers do')
  } finally {
    redis.disconnect()
    await cluster.stop()
  }
})

describe('a walk of a Redis that', () => {
  let server: RedisServer
  let redis: RedisClient

  beforeAll(async () => {
    server = await startRedisServer()
    redis = openConfiguredRedis({ redis: { url: server.socketUrl } }, redisLog())
    await until(async () => (await probeRedis(redis)).isReady)
    await fill(redis)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  test('hangs for a while goes on where it was', async () => {
    const found = new Set<string>()
    for await (const page of scanSids(redis)) {
      if (found.size === 0) {
        server.pause()
        setTimeout(server.resume, 600)
      }
      for (const sid of page) found.add(sid)
    }
    expect(found.size).toBe(SIDS.length)
  })

  test('refuses it ends at once, with its reason', async () => {
    await server.cli('ACL', 'SETUSER', 'default', '-scan')
    await expect(scanSids(redis).next()).rejects.toThrow('NOPERM')
  })

  test('is gone ends', async () => {
    await server.kill()
    await expect(scanSids(redis).next()).rejects.toThrow('redis does not answer')
  })
})
