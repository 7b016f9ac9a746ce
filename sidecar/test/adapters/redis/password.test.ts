import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { RedisClient } from '../../../src/adapters/redis/client.ts'
import { probeRedis } from '../../../src/adapters/redis/health.ts'
import { asksForPassword } from '../../../src/adapters/redis/password.ts'
import { redisSchema } from '../../../src/config/redis-schema.ts'
import { openConfiguredRedis } from '../../../src/wiring/redis.ts'
import { documentedUsers, PASSWORD } from '../../support/documented-users.ts'
import { behindSentinels, inCluster, overTls } from '../../support/redis-deployments.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, redisCli, startRedisServer } from '../../support/redis-server.ts'

let server: RedisServer
const clients: RedisClient[] = []

beforeAll(async () => {
  server = await startRedisServer()
  await server.cli(...documentedUsers().sidecar)
  await server.cli('ACL', 'SETUSER', 'admin', 'on', `>${PASSWORD}`, '+@all', '~*')
})
afterEach(async () => {
  await asAdmin('ACL', 'SETUSER', 'default', 'on', 'nopass', '~*', '&*', '+@all')
  for (const client of clients.splice(0)) client.disconnect()
})
afterAll(() => server.stop())

function asAdmin(...words: string[]): Promise<string> {
  return redisCli('-u', `redis://admin:${PASSWORD}@127.0.0.1:${server.port}`, ...words)
}

async function open(
  redis: Parameters<typeof openConfiguredRedis>[0]['redis'],
): Promise<RedisClient> {
  const client = openConfiguredRedis({ redis }, redisLog())
  clients.push(client)
  await once(client, 'ready')
  return client
}

const user = { username: 'brickgate', password: PASSWORD }

test.each([
  ['over TCP', () => ({ url: server.url })],
  ['in another database', () => ({ url: `${server.url}/3` })],
  ['over a unix socket', () => ({ url: server.socketUrl })],
])('a Redis %s needs no password until the default user is off', async (_, where) => {
  const redis = await open({ ...where(), ...user })
  expect(await asksForPassword(redis)).toBe(false)
  await asAdmin('ACL', 'SETUSER', 'default', 'off')
  expect(await asksForPassword(redis)).toBe(true)
})

test.each([
  ['has a password', ['resetpass', '>a-password-of-its-own'], true],
  ['has rights to nothing but PING', ['resetkeys', '-@all', '+ping'], false],
  ['has no right that could be tried', ['resetkeys', '-@all'], false],
])('a default user that is on and %s', async (_, rules, needed) => {
  const redis = await open({ url: server.url, ...user })
  await asAdmin('ACL', 'SETUSER', 'default', ...rules)
  expect(await asksForPassword(redis)).toBe(needed)
})

test('looking leaves nothing in the log of refused commands', async () => {
  const redis = await open({ url: server.url, ...user })
  await asAdmin('ACL', 'SETUSER', 'default', 'off')
  await asAdmin('ACL', 'LOG', 'RESET')
  expect(await asksForPassword(redis)).toBe(true)
  expect(await asAdmin('ACL', 'LOG')).toBe('')
})

test('a Redis that does not answer says nothing of its password', async () => {
  const redis = await open({ url: server.url, ...user })
  server.pause()
  expect(await asksForPassword(redis)).toBeNull()
  server.resume()
  await expect.poll(() => asksForPassword(redis)).toBe(false)
})

test('a Redis that takes no more connections says nothing of its password', async () => {
  const redis = await open({ url: server.url, ...user })
  await server.cli('CONFIG', 'SET', 'maxclients', '1')
  expect(await asksForPassword(redis)).toBeNull()
  redis.disconnect()
  await expect
    .poll(() => asAdmin('CONFIG', 'SET', 'maxclients', '1000').catch(() => 'not yet'))
    .toBe('OK')
})

test('a Redis over TLS needs one with the default user off, as documented', async () => {
  const deployment = await overTls()
  onTestFinished(deployment.stop)
  const redis = await open(redisSchema.parse(deployment.redis))
  await expect.poll(() => asksForPassword(redis)).toBe(true)
})

test('a primary behind Sentinels is asked as long as these name it, and is not waited for', async () => {
  const { group, ...deployment } = await behindSentinels()
  onTestFinished(deployment.stop)
  const redis = await open(redisSchema.parse(deployment.redis))
  await expect.poll(() => asksForPassword(redis)).toBe(false)
  await Promise.all(group.sentinels.map((sentinel) => sentinel.stop()))
  expect(await asksForPassword(redis)).toBeNull()
})

test('a Cluster needs a password when each of its primaries does', async () => {
  const { cluster, ...deployment } = await inCluster()
  onTestFinished(deployment.stop)
  const redis = await open(redisSchema.parse(deployment.redis))
  await expect.poll(async () => (await probeRedis(redis)).isReady, { timeout: 10_000 }).toBe(true)
  for (const member of cluster.servers) {
    expect(await asksForPassword(redis)).toBe(false)
    await member.cli('ACL', 'SETUSER', 'default', 'off')
  }
  expect(await asksForPassword(redis)).toBe(true)
})
