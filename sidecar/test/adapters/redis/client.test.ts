import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import {
  describeFailure,
  openRedis,
  type RedisSettings,
} from '../../../src/adapters/redis/client.ts'
import { type RedisLog, redisLog } from '../../support/redis-log.ts'
import { freePort, type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { selfSigned } from '../../support/self-signed.ts'

const BARE: RedisSettings = { url: '', username: null, password: null, ca: null }
const SECRET = 'hunter2-hunter2'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function start(...args: string[]): Promise<RedisServer> {
  const server = await startRedisServer(...args)
  cleanups.push(() => server.stop())
  return server
}

function open(settings: Partial<RedisSettings>, log: RedisLog = redisLog()): Redis {
  const redis = openRedis({ ...BARE, ...settings }, log)
  cleanups.push(() => redis.disconnect())
  return redis
}

describe('a url', () => {
  test.each([
    ['redis://example.com', { host: 'example.com', port: 6379, db: 0 }],
    ['redis://example.com:6380/3', { host: 'example.com', port: 6380, db: 3 }],
    ['redis://[::1]:6380/', { host: '::1', port: 6380, db: 0 }],
    ['rediss://example.com', { host: 'example.com', tls: {} }],
    ['unix:///run/redis%20a.sock', { path: '/run/redis a.sock' }],
    ['redis://us%40er:p%3Aw@example.com', { username: 'us@er', password: 'p:w' }],
    ['redis://:pw@example.com', { password: 'pw', username: null }],
  ])('%s is understood', (url, expected) => {
    const redis = open({ url })
    const { host, port, db, path, tls, username, password } = redis.options
    expect({ host, port, db, path, tls, username, password }).toMatchObject(expected)
  })

  test('gives way to user, password and authorities of their own', () => {
    const { options } = open({
      url: 'rediss://a:b@example.com',
      username: 'c',
      password: 'd',
      ca: 'PEM',
    })
    expect(options).toMatchObject({ username: 'c', password: 'd', tls: { ca: 'PEM' } })
  })

  test.each([
    '',
    'example.com:6379',
    'http://example.com',
    'redis://example.com/0?enableOfflineQueue=true',
    'redis://example.com/sessions',
    'redis://example.com/1/2',
    'redis://example.com:99999',
  ])('%j is refused', (url) => {
    expect(() => open({ url })).toThrow(RangeError)
  })

  test('is never repeated by what refuses it', () => {
    const attempt = (): Redis => open({ url: `redis://:${SECRET}@example.com:port` })
    expect(attempt).toThrow(RangeError)
    expect(attempt).not.toThrow(SECRET)
  })
})

describe('a failure', () => {
  test.each([
    [new Error('connect ECONNREFUSED 127.0.0.1:1'), 'connect ECONNREFUSED 127.0.0.1:1'],
    [
      new Error("ERR unknown command 'X', with args beginning with: 'pw'"),
      "ERR unknown command 'X'",
    ],
    [Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new AggregateError([], ''), 'AggregateError'],
    ['text', 'unknown failure'],
    [null, 'unknown failure'],
  ])('%s is described without arguments', (error, text) => {
    expect(describeFailure(error)).toBe(text)
  })
})

describe('a connection', () => {
  test('waits for a Redis that is not there yet, without failing the process', async () => {
    const server = await start()
    await server.kill()
    const log = redisLog()
    const redis = open({ url: server.url }, log)
    await expect.poll(() => log.connectionFailures.length, { timeout: 5000 }).toBeGreaterThan(3)
    await expect(redis.get('a')).rejects.toThrow('enableOfflineQueue')
    await server.start()
    await expect.poll(() => log.connections.at(-1), { timeout: 5000 }).toBe(true)
    expect(await redis.get('a')).toBeNull()
  })

  test('comes back, and repeats nothing that it sent before', async () => {
    const server = await start()
    const redis = open({ url: server.url })
    await once(redis, 'ready')
    server.pause()
    const increments = Promise.allSettled([redis.incr('a'), redis.incr('a')])
    expect((await increments).map((one) => one.status)).toEqual(['rejected', 'rejected'])
    await server.kill()
    await server.start()
    await expect.poll(() => redis.get('a').catch(() => 'down'), { timeout: 5000 }).toBeNull()
  })

  test('asks as the user that is configured, and never tells the password', async () => {
    const server = await start('--user', 'gate', 'on', `>${SECRET}`, '~bg:*', '+@all')
    await server.cli('ACL', 'SETUSER', 'default', 'off')
    const log = redisLog()
    const redis = open({ url: server.url, username: 'gate', password: SECRET }, log)
    await once(redis, 'ready')
    expect(await redis.get('bg:state')).toBeNull()
    await expect(redis.get('other')).rejects.toThrow('NOPERM')

    const stranger = redisLog()
    open({ url: server.url, username: 'gate', password: `${SECRET}!` }, stranger)
    await expect
      .poll(() => stranger.connectionFailures.length, { timeout: 5000 })
      .toBeGreaterThan(1)
    expect(stranger.connectionFailures.join()).toContain('WRONGPASS')
    expect(stranger.connectionFailures.join()).not.toContain(SECRET)
    expect(stranger.connections).not.toContain(true)
  })

  describe('over TLS', () => {
    const startTls = async (address: string): Promise<{ url: string; certificate: string }> => {
      const pair = await selfSigned(address)
      cleanups.push(() => pair.remove())
      const port = String(await freePort())
      const files = ['--tls-cert-file', pair.certFile, '--tls-key-file', pair.keyFile]
      await start('--tls-port', port, '--tls-auth-clients', 'no', ...files)
      return { url: `rediss://127.0.0.1:${port}`, certificate: pair.certificate }
    }

    test('trusts the authorities that are configured', async () => {
      const { url, certificate } = await startTls('127.0.0.1')
      const redis = open({ url, ca: certificate })
      await once(redis, 'ready')
      expect(await redis.get('a')).toBeNull()
    })

    test.each([
      ['an unknown authority', '127.0.0.1', false, 'self-signed certificate'],
      [
        'a certificate of another address',
        '127.0.0.2',
        true,
        "does not match certificate's altnames",
      ],
    ])('refuses %s', async (_, address, isTrusted, failure) => {
      const { url, certificate } = await startTls(address)
      const log = redisLog()
      open({ url, ca: isTrusted ? certificate : null }, log)
      await expect.poll(() => log.connectionFailures.length, { timeout: 5000 }).toBeGreaterThan(1)
      expect(log.connectionFailures.join()).toContain(failure)
      expect(log.connections).not.toContain(true)
    })
  })
})
