import { type Cluster, Command } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openClusterRedis } from '../../../src/adapters/redis/cluster.ts'
import { probeRedis } from '../../../src/adapters/redis/health.ts'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { type RedisLook, watchRedis } from '../../../src/adapters/redis/watch.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import type { Address } from '../../../src/domain/address.ts'
import { ok, refuse } from '../../../src/domain/result.ts'
import type { KeyValues } from '../../../src/store/key-values.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { type RedisLog, redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { keepReading } from './keep-reading-fixture.ts'

/** All in one slot, because of their tag. */
const IN_ONE_SLOT = Array.from({ length: 100 }, (_, n) => `bg:revoked:subject:{okta|00u1}${n}`)
const ELSEWHERE = ['bg:revoked:all', 'bg:state', 'bg:revoked:issuer:okta']
const SLOT = slotOf(IN_ONE_SLOT[0] ?? '')

let cluster: RedisCluster
let redis: Cluster
let log: RedisLog
let keyValues: KeyValues

beforeAll(async () => {
  cluster = await startRedisCluster()
  log = redisLog()
  redis = open(addresses(), log)
  keyValues = createRedisKeyValues(redis, log)
  await until(async () => (await probeRedis(redis)).isReady)
})
afterAll(async () => {
  redis.disconnect()
  await cluster.stop()
})
beforeEach(async () => {
  for (const key of [...IN_ONE_SLOT, ...ELSEWHERE]) await keyValues.write(key, key, null)
})

function open(servers: readonly Address[], observer: RedisLog): Cluster {
  return openClusterRedis({ servers, username: null, password: null, tls: null }, observer)
}

function addresses(): { host: string; port: number }[] {
  return cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port }))
}

function slotOf(key: string): number {
  return new Command('get', [key]).getSlot() ?? 0
}

function otherThan(owner: RedisServer): RedisServer {
  const other = cluster.servers.find((server) => server !== owner)
  if (other === undefined) throw new Error('one server')
  return other
}

test('a client that knows a single server is connected to all at the first attempt', async () => {
  for (let count = 0; count < 10; count += 1) {
    const newcomer = redisLog()
    const other = open(addresses().slice(0, 1), newcomer)
    await until(async () => newcomer.connections.length > 0)
    expect(newcomer.connections).toEqual([true])
    expect(newcomer.connectionFailures).toEqual([])
    other.disconnect()
  }
})

test('a server that belongs to no Cluster is asked ever less often, and never called connected', async () => {
  const alone = await startRedisServer('--cluster-enabled', 'yes')
  const own = redisLog()
  const client = open([{ host: '127.0.0.1', port: alone.port }], own)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  client.disconnect()
  await alone.stop()
  expect(own.connections).not.toContain(true)
  expect(own.connections.length).toBeGreaterThan(3)
  expect(own.connections.length).toBeLessThan(20)
})

test('a slot that moves under readers is read right all the time', async () => {
  const target = otherThan(await cluster.ownerOf(SLOT))
  const keys = [...IN_ONE_SLOT, ...ELSEWHERE]
  const answers = keepReading(keyValues, keys)
  await cluster.move(SLOT, target, 10)
  await answers.stop()
  expect(answers.values).toEqual(new Set(keys))
  expect(answers.served).toBeGreaterThan(20)
  expect(answers.failures).toBe(0)
  expect(await cluster.ownerOf(SLOT)).toBe(target)
})

test('so is one that moves to a primary which had none', async () => {
  const target = await cluster.add()
  const keys = [...IN_ONE_SLOT, ...ELSEWHERE]
  const answers = keepReading(keyValues, keys)
  await cluster.move(SLOT, target, 10)
  await until(async () => (await keyValues.read(keys)).ok)
  await answers.stop()
  expect(answers.values).toEqual(new Set(keys))
  expect(answers.served).toBeGreaterThan(20)
  await until(async () => (await probeRedis(redis)).isReady)
})

test('writes follow a slot that moves', async () => {
  const target = otherThan(await cluster.ownerOf(SLOT))
  const [key = ''] = IN_ONE_SLOT
  const moved = new AbortController()
  const moving = cluster.move(SLOT, target, 5).then(() => moved.abort())
  let count = 0
  while (!moved.signal.aborted) {
    expect(
      await keyValues.replace(key, count === 0 ? key : String(count), String(count + 1)),
    ).toEqual(ok(true))
    count += 1
  }
  await moving
  expect(count).toBeGreaterThan(20)
})

test('a primary that is gone takes its own keys along, and no others', async () => {
  const gone = await cluster.ownerOf(SLOT)
  await gone.kill()
  expect(await keyValues.read(IN_ONE_SLOT)).toEqual(refuse('state-unavailable'))
  const answers = keepReading(keyValues, [...IN_ONE_SLOT])
  await until(async () => !(await probeRedis(redis)).isUp)
  await gone.start()
  await until(async () => (await keyValues.read(IN_ONE_SLOT)).ok)
  await answers.stop()
  expect(answers.values).not.toContain(null)
  await until(async () => (await probeRedis(redis)).isReady)
})

test('a paused primary is refused for within the time limit, and back without a restart', async () => {
  const paused = await cluster.ownerOf(SLOT)
  paused.pause()
  const startedMs = performance.now()
  expect(await keyValues.read(IN_ONE_SLOT)).toEqual(refuse('state-unavailable'))
  expect(performance.now() - startedMs).toBeLessThan(480)
  await until(async () => !(await probeRedis(redis)).isUp)
  paused.resume()
  await until(async () => (await keyValues.read(IN_ONE_SLOT)).ok)
})

test('a slot whose new primary stalls in the middle of the move is refused for, and ends no process', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const source = await cluster.ownerOf(SLOT)
  const target = otherThan(source)
  const [sourceId, targetId] = [
    await source.cli('CLUSTER', 'MYID'),
    await target.cli('CLUSTER', 'MYID'),
  ]
  const asked = ['bg:revoked:subject:{okta|00u1}-not-there']
  await target.cli('CLUSTER', 'SETSLOT', String(SLOT), 'IMPORTING', sourceId)
  await source.cli('CLUSTER', 'SETSLOT', String(SLOT), 'MIGRATING', targetId)
  await until(async () => (await keyValues.read(asked)).ok)

  target.pause()
  expect(await keyValues.read(asked)).toEqual(refuse('state-unavailable'))
  await new Promise((resolve) => setTimeout(resolve, 500)) // longer than a command may take
  target.resume()
  await target.cli('CLUSTER', 'SETSLOT', String(SLOT), 'STABLE')
  await source.cli('CLUSTER', 'SETSLOT', String(SLOT), 'STABLE')
  await until(async () => (await keyValues.read(asked)).ok)
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

test('a single primary that evicts is enough not to be ready', async () => {
  await until(async () => (await probeRedis(redis)).isReady)
  const evicting = await cluster.ownerOf(SLOT)
  await evicting.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  expect(await probeRedis(redis)).toEqual({
    isUp: true,
    evictionPolicy: 'allkeys-lru',
    isReady: false,
  })
  await evicting.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  expect((await probeRedis(redis)).isReady).toBe(true)
})

test('a watch reports when a primary goes, and when it is back', async () => {
  const looks: RedisLook[] = []
  const end = watchRedis(redis, SYSTEM_CLOCK.nowSeconds, (look) => looks.push(look))
  await until(async () => looks.at(-1)?.isWritable === true)
  const gone = await cluster.ownerOf(SLOT)
  await gone.kill()
  await until(async () => looks.at(-1)?.isUp === false)
  expect(looks.at(-1)?.isWritable).toBe(false)
  await gone.start()
  await expect.poll(() => looks.at(-1)?.isWritable, { timeout: 15_000 }).toBe(true)
  end()
})

test('a watch reports when one primary of several accepts no writes', async () => {
  const looks: RedisLook[] = []
  const end = watchRedis(redis, SYSTEM_CLOCK.nowSeconds, (look) => looks.push(look))
  for (const full of cluster.servers.slice(0, 3)) {
    await until(async () => looks.at(-1)?.isWritable === true)
    await full.cli('CONFIG', 'SET', 'maxmemory', '1')
    await until(async () => looks.at(-1)?.isWritable === false)
    expect(looks.at(-1)?.isUp).toBe(true)
    await full.cli('CONFIG', 'SET', 'maxmemory', '0')
  }
  end()
})

test('a cluster that is not there is waited for, and nothing queues up', async () => {
  const own = redisLog()
  const absent = openClusterRedis(
    { servers: [{ host: '127.0.0.1', port: 1 }], username: null, password: 'hunter2', tls: null },
    own,
  )
  await expect.poll(() => own.connectionFailures.length, { timeout: 5000 }).toBeGreaterThan(3)
  expect(own.connectionFailures.join()).toContain('ECONNREFUSED')
  const startedMs = performance.now()
  expect(await createRedisKeyValues(absent, own).read(ELSEWHERE)).toEqual(
    refuse('state-unavailable'),
  )
  expect(performance.now() - startedMs).toBeLessThan(480)
  expect(absent.status).not.toBe('end')
  absent.disconnect()
})
