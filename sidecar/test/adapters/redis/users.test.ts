import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { documentedUsers, PASSWORD } from '../../support/documented-users.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

let server: RedisServer
const clients: Redis[] = []

beforeAll(async () => {
  server = await startRedisServer('--appendonly', 'yes')
  const { sidecar, sidecarInCluster, operator } = documentedUsers()
  for (const line of [sidecar, sidecarInCluster, operator]) await server.cli(...line)
})
afterAll(async () => {
  for (const client of clients) client.disconnect()
  await server.stop()
})

async function as(username: string, protocol: 2 | 3 = 3): Promise<Redis> {
  const settings = { url: server.url, username, password: PASSWORD, ca: null }
  const opened = openRedis(settings, redisLog())
  const redis = opened.duplicate({ protocol })
  clients.push(opened, redis)
  await once(redis, 'ready')
  return redis
}

/** Commands that sessions and revocations never need. */
const REFUSED: readonly (readonly [string, ...string[]])[] = [
  ['GET', 'other'],
  ['SET', 'other', '1'],
  ['DEL', 'session:1'],
  ['EVAL', "return redis.call('GET', 'other')", '0'],
  ['EVAL', "return redis.call('FLUSHALL')", '0'],
  ['KEYS', '*'],
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['CONFIG', 'GET', '*'],
  ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
  ['ACL', 'LIST'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['CLIENT', 'LIST'],
  ['MONITOR'],
  ['SHUTDOWN'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['CLUSTER', 'RESET'],
  ['PUBLISH', '__redis__:invalidate', 'x'],
  ['SUBSCRIBE', 'other'],
  ['SAVE'],
  ['MIGRATE', '127.0.0.1', '1', 'bg:state', '0', '10'],
  ['RENAME', 'bg:state', 'other'],
  ['SCRIPT', 'FLUSH'],
]

describe.each(['brickgate', 'brickgate-operator'])('the documented user %s', (name) => {
  test.each(REFUSED)('may not %s %s', async (command, ...args) => {
    const redis = await as(name)
    await expect(redis.call(command, ...args)).rejects.toThrow(
      /NOPERM|ACL failure|user executing the script can't/,
    )
  })
})

test('the sidecar may be told of changes, on one connection', async () => {
  const redis = await as('brickgate', 2)
  const id = await redis.client('ID')
  await redis.call(
    'CLIENT',
    'TRACKING',
    'ON',
    'REDIRECT',
    String(id),
    'BCAST',
    'PREFIX',
    'bg:revoked:',
  )
  await redis.subscribe('__redis__:invalidate')
  const reported = once(redis, 'messageBuffer')
  await server.cli('SET', 'bg:revoked:all', '1')
  expect(String((await reported)[1])).toBe('bg:revoked:all')
})

test('nothing that the sidecar does at a start is refused: the ACL log stays empty', async () => {
  await server.cli('ACL', 'LOG', 'RESET')
  await (await as('brickgate')).ping()
  expect(await server.cli('ACL', 'LOG')).toBe('')
})

test('an operator lists, revokes and ends sessions', async () => {
  const redis = await as('brickgate-operator')
  await redis.set('bg:revoked:subject:okta|00u1', '1', 'EX', 100)
  expect(await redis.scan(0, 'MATCH', 'bg:revoked:*', 'COUNT', 1000)).toEqual([
    '0',
    expect.arrayContaining(['bg:revoked:subject:okta|00u1']),
  ])
  expect(await redis.ttl('bg:revoked:subject:okta|00u1')).toBeGreaterThan(90)
  expect(await redis.zrange('bg:subject-sessions:okta|00u1', '0', '-1')).toEqual([])
  expect(await redis.del('bg:revoked:subject:okta|00u1')).toBe(1)
})
