import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { type RedisLook, watchRedis } from '../../../src/adapters/redis/watch.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

const WAIT = { timeout: 5000 }

let server: RedisServer
let redis: Redis
let looks: RedisLook[]
let end: () => void

beforeAll(async () => {
  server = await startRedisServer()
  const settings = { url: server.url, username: null, password: null, ca: null }
  redis = openRedis(settings, redisLog())
  await once(redis, 'ready')
  end = watchRedis(redis, SYSTEM_CLOCK.nowSeconds, (look) => looks.push(look))
})
afterAll(async () => {
  end()
  redis.disconnect()
  await server.stop()
})
beforeEach(async () => {
  looks = []
  await expect.poll(() => looks.at(-1), WAIT).toMatchObject({ isUp: true, isWritable: true })
})

function becomes(found: Partial<RedisLook>): Promise<void> {
  return expect.poll(() => looks.at(-1), WAIT).toMatchObject(found)
}

test('a watch reports when Redis goes and when it comes back, without another command', async () => {
  server.pause()
  await becomes({ isUp: false, isWritable: false })
  server.resume()
  await expect.poll(() => looks.at(-1), WAIT).toMatchObject({ isUp: true, isWritable: true })
})

test('a Redis that is restarted was gone meanwhile', async () => {
  await server.kill()
  await becomes({ isUp: false, isWritable: false })
  await server.start()
  await expect.poll(() => looks.at(-1), WAIT).toMatchObject({ isUp: true, isWritable: true })
})

test.each([
  ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
  [
    'lacks the replicas that it wants',
    ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
  ],
  [
    'lets this user not write',
    ['ACL', 'SETUSER', 'default', '-set'],
    ['ACL', 'SETUSER', 'default', '+set'],
  ],
])('a Redis that %s is up, and takes no writes', async (_name, begin, over) => {
  await server.cli(...begin)
  await becomes({ isUp: true, isWritable: false })
  await server.cli(...over)
  await expect.poll(() => looks.at(-1), WAIT).toMatchObject({ isUp: true, isWritable: true })
})

test('a look says when Redis was asked, and when it answered', () => {
  const { askedSeconds = 0, knownSeconds = 0 } = looks.at(-1) ?? {}
  expect(askedSeconds).toBeLessThanOrEqual(knownSeconds)
  expect(Math.abs(Date.now() / 1000 - knownSeconds)).toBeLessThan(3)
})
