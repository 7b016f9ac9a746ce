import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openRedis, SILENT_REDIS } from '../../src/adapters/redis/client.ts'
import { createRedisMonitor, type RedisMonitor } from '../../src/processes/redis-monitor.ts'
import type { Outage, RedisNews } from '../../src/session/outage.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

let server: RedisServer
let redis: Redis
let monitor: RedisMonitor
let broadcasts: RedisNews[]
let lines: string[]
let ratios: (number | null)[]
let nowSeconds: number

beforeAll(async () => {
  server = await startRedisServer()
  redis = openRedis({ url: server.url, username: null, password: null, ca: null }, SILENT_REDIS)
  await once(redis, 'ready')
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(() => {
  broadcasts = []
  lines = []
  ratios = []
  nowSeconds = 1000
  const write = (_: object, line: string): void => void lines.push(line)
  monitor = createRedisMonitor({
    clock: { nowSeconds: () => nowSeconds },
    log: { warn: write, info: write } as never, // as much of it as is used
    broadcast: (news) => broadcasts.push(news),
    onMemory: (ratio) => ratios.push(ratio),
  })
})

const outages = (): readonly Outage[] => monitor.news().outages

it('tells all workers of an outage that one of them sees and the primary does not', () => {
  monitor.heard(3, { kind: 'began', sinceSeconds: 990 })
  expect(broadcasts.at(-1)?.outages).toEqual([{ fromSeconds: 990, untilSeconds: null }])
  monitor.heard(3, { kind: 'ended', atSeconds: 1005 })
  expect(broadcasts.at(-1)?.outages).toEqual([{ fromSeconds: 990, untilSeconds: 1005 }])
  expect(lines).toEqual([
    'the use of sessions cannot be noted',
    'the use of sessions is noted again',
  ])
})

it('ends the outage of a worker that is gone, and of no other', () => {
  monitor.heard(3, { kind: 'began', sinceSeconds: 990 })
  monitor.heard(4, { kind: 'began', sinceSeconds: 995 })
  monitor.gone(3)
  expect(outages()).toEqual([{ fromSeconds: 990, untilSeconds: null }])
  nowSeconds = 1010
  monitor.gone(4)
  expect(outages()).toEqual([{ fromSeconds: 990, untilSeconds: 1010 }])
})

it('sees by itself that Redis takes no writes, without any worker', async () => {
  monitor.follow(redis)
  await server.cli('CONFIG', 'SET', 'maxmemory', '1')
  await expect.poll(() => outages().at(-1)?.untilSeconds, { timeout: 5000 }).toBeNull()
  nowSeconds = 1060
  await server.cli('CONFIG', 'SET', 'maxmemory', '0')
  await expect.poll(() => outages().at(-1)?.untilSeconds, { timeout: 5000 }).toBe(1060)
  expect(outages()).toEqual([{ fromSeconds: 1000, untilSeconds: 1060 }])
  monitor.close()
})

it('knows after a change of configuration what it knew before', () => {
  monitor.heard(3, { kind: 'began', sinceSeconds: 990 })
  monitor.gone(3)
  monitor.follow(redis)
  expect(outages()).toEqual([{ fromSeconds: 990, untilSeconds: 1000 }])
  monitor.close()
})

it('tells all workers that Redis is nearly full, and that it has room again', async () => {
  monitor.follow(redis)
  const used = Number(/^used_memory:([0-9]+)/m.exec(await redis.info('memory'))?.[1])
  await server.cli('CONFIG', 'SET', 'maxmemory', String(Math.round(used / 0.95)))
  await expect.poll(() => monitor.news().isFull, { timeout: 5000 }).toBe(true)
  expect(broadcasts.at(-1)?.isFull).toBe(true)
  expect(ratios.at(-1)).toBeGreaterThan(0.9)
  await server.cli('CONFIG', 'SET', 'maxmemory', String(used * 2))
  await expect.poll(() => monitor.news().isFull, { timeout: 5000 }).toBe(false)
  expect(broadcasts.at(-1)?.isFull).toBe(false)
  await server.cli('CONFIG', 'SET', 'maxmemory', '0')
  await expect.poll(() => ratios.at(-1), { timeout: 5000 }).toBeNull()
  monitor.close()
})
