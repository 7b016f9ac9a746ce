import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { ok, refuse } from '../../../src/domain/result.ts'
import { storedText } from '../../../src/domain/stored-value.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

const KEY = 'bg:revoked:all'

async function aServer(): Promise<RedisServer> {
  const server = await startRedisServer()
  onTestFinished(() => server.stop())
  return server
}

function open(server: RedisServer): ReturnType<typeof openRedis> {
  const settings = { url: server.url, username: null, password: null, ca: null }
  const redis = openRedis(settings, redisLog())
  onTestFinished(() => redis.disconnect())
  return redis
}

test('a server that is a replica is asked nothing, and served from once it is none', async () => {
  const [primary, replica] = [await aServer(), await aServer()]
  await replica.cli('REPLICAOF', '127.0.0.1', String(primary.port))
  const keyValues = createRedisKeyValues(open(replica), redisLog())
  const from = performance.now()
  while (performance.now() - from < 1500) {
    expect(await keyValues.read([KEY])).toEqual(refuse('state-unavailable'))
    await new Promise((resolve) => void setTimeout(resolve, 5))
  }
  await replica.cli('REPLICAOF', 'NO', 'ONE')
  await replica.cli('SET', KEY, '1')
  await expect.poll(() => keyValues.read([KEY]), { timeout: 4000 }).toEqual(ok([storedText('1')]))
})

test('a server that becomes a replica while it is connected to is left within two seconds', async () => {
  const [primary, server] = [await aServer(), await aServer()]
  const redis = open(server)
  await once(redis, 'ready')
  const keyValues = createRedisKeyValues(redis, redisLog())
  await server.cli('REPLICAOF', '127.0.0.1', String(primary.port))
  await expect
    .poll(() => keyValues.read([KEY]), { timeout: 2500 })
    .toEqual(refuse('state-unavailable'))
})
