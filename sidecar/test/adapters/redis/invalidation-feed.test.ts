import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ConnectionRole, openRedis } from '../../../src/adapters/redis/client.ts'
import { createInvalidationFeed } from '../../../src/adapters/redis/invalidation-feed.ts'
import { serverIdOf } from '../../../src/adapters/redis/primary.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import type { InvalidationFeed } from '../../../src/near-cache/feed.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

const INTERVAL_MS = 50
const KEY = 'bg:revoked:subject:okta|00u1'

let server: RedisServer
let feed: InvalidationFeed
/** invalidated keys, `reset` for a reset */
let heard: string[]
let lags: number[]
let failures: string[]
let close: () => void

beforeEach(async () => {
  server = await startRedisServer()
  const open = (role: ConnectionRole) =>
    openRedis({ url: server.url, username: null, password: null, ca: null }, redisLog(), role)
  const [commands, tracking] = [open('commands'), open('tracking')]
  await once(commands, 'ready')
  let ids = 0
  heard = []
  lags = []
  failures = []
  feed = createInvalidationFeed({
    tracking,
    commands,
    observer: {
      lag: (seconds) => lags.push(seconds),
      staleness: () => undefined,
      failed: (message) => failures.push(message),
    },
    clock: SYSTEM_CLOCK,
    newId: () => `feed-${process.pid}-${++ids}`,
    intervalMs: INTERVAL_MS,
  })
  feed.start({
    invalidated: (keys) => heard.push(...keys),
    reset: () => heard.push('reset'),
  })
  close = () => {
    feed.close()
    commands.disconnect()
  }
  await untilFresh()
})

afterEach(async () => {
  close()
  await server.stop()
})

async function untilFresh(): Promise<void> {
  await expect.poll(feed.stalenessMs, { timeout: 8000, interval: 5 }).toBeLessThan(INTERVAL_MS * 4)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const untilHeard = (what: string) =>
  expect.poll(() => heard, { timeout: 2000, interval: 5 }).toContain(what)

test('it hears of every write under its prefixes, and of no other', async () => {
  expect(heard).toEqual(['reset'])
  await server.cli('SET', KEY, '1')
  await server.cli('SET', 'bg:seen:x', '1')
  await server.cli('SET', 'bg:session:x', 'record', 'PX', '1000')
  await server.cli('DEL', KEY)
  await server.cli('SET', 'bg:state', '1')
  await untilHeard('bg:state')
  expect(heard).toEqual(['reset', KEY, 'bg:session:x', KEY, 'bg:state'])
  await server.cli('GET', 'bg:session:x')
  await pause(1050)
  await server.cli('GET', 'bg:session:x')
  await expect.poll(() => heard.filter((key) => key === 'bg:session:x')).toHaveLength(2)
})

test('it hears of the revocation of a subject called heartbeat', async () => {
  const key = 'bg:revoked:subject:k8s|system:serviceaccount:monitoring:heartbeat'
  await server.cli('SET', key, '1')
  await expect.poll(() => heard, { timeout: 2000, interval: 5 }).toEqual(['reset', key])
})

test('it stays fresh, measures its lag and names the server', async () => {
  await pause(INTERVAL_MS * 6)
  expect(feed.stalenessMs()).toBeLessThan(INTERVAL_MS * 4)
  expect(lags.length).toBeGreaterThanOrEqual(3)
  expect(Math.min(...lags)).toBeLessThan(0.05)
  await expect.poll(feed.serverId).toBe(serverIdOf(await server.cli('INFO')))
  const keys = (await server.cli('KEYS', '*')).split('\n')
  const heartbeat = new RegExp(
    `^bg:(revoked|session|state):worker-feed-${process.pid}-\\d+:heartbeat$`,
  )
  expect(keys.filter((key) => !heartbeat.test(key))).toEqual([])
  const ttls = await Promise.all(keys.map((key) => server.cli('PTTL', key)))
  expect(ttls.every((ms) => Number(ms) !== -1 && Number(ms) <= 5000)).toBe(true)
})

test.each(['FLUSHALL', 'FLUSHDB'])('%s resets', async (command) => {
  await server.cli(command)
  await expect.poll(() => heard).toEqual(['reset', 'reset'])
})

test('a connection that is cut is replaced, and what went unheard is a reset', async () => {
  await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await server.cli('SET', KEY, '1')
  await expect.poll(() => heard.filter((key) => key === 'reset'), { timeout: 3000 }).toHaveLength(2)
  await untilFresh()
  await server.cli('SET', KEY, '2')
  await untilHeard(KEY)
})

test('while Redis is paused it grows stale, and is fresh again without a restart', async () => {
  server.pause()
  await pause(700)
  expect(feed.stalenessMs()).toBeGreaterThan(500)
  server.resume()
  await untilFresh()
  await server.cli('SET', KEY, '1')
  await untilHeard(KEY)
})

test('another Redis at the same address is a reset, and another server', async () => {
  const before = feed.serverId()
  await server.kill()
  await expect.poll(feed.serverId).toBeNull()
  await server.start()
  await expect.poll(feed.serverId, { timeout: 4000 }).not.toBeNull()
  await untilFresh()
  expect(feed.serverId()).not.toBe(before)
  expect(heard).toEqual(['reset', 'reset'])
})

test('where tracking is not permitted nothing is ever fresh, and it says why', async () => {
  await server.cli('ACL', 'SETUSER', 'default', '-client|tracking')
  await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await expect.poll(() => failures.join(), { timeout: 3000 }).toContain('NOPERM')
  await pause(300)
  expect(feed.stalenessMs()).toBeGreaterThan(250)
})
