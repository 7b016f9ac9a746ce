import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { COMMAND_TIMEOUT_MS, openRedis, SILENT_REDIS } from '../../../src/adapters/redis/client.ts'
import { createRedisKeyValues } from '../../../src/adapters/redis/key-values.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']

let server: RedisServer
let far: FarRedis
let redis: Redis

beforeAll(async () => {
  server = await startRedisServer()
})
beforeEach(async () => {
  far = await startFarRedis(Number(new URL(server.url).port))
  redis = openRedis({ url: far.url, username: null, password: null, ca: null }, SILENT_REDIS)
  await once(redis, 'ready')
})
afterEach(() => {
  redis.disconnect()
  far.close()
})
afterAll(() => server.stop())

test('reads of a Redis that takes most of their time all get their answer, whatever is under way', async () => {
  far.roundTripMs = 0.7 * COMMAND_TIMEOUT_MS
  const keyValues = createRedisKeyValues(redis, SILENT_REDIS)
  const reads: ReturnType<typeof keyValues.read>[] = []
  for (let count = 0; count < 30; count += 1) {
    reads.push(keyValues.read(KEYS))
    await pause(10)
  }
  const answers = await Promise.all(reads)
  expect(answers.filter(({ ok }) => !ok)).toEqual([])
})

test('reads of one turn of the event loop leave in one write', async () => {
  await redis.ping()
  far.arrived.length = 0
  const keyValues = createRedisKeyValues(redis, SILENT_REDIS)
  await Promise.all([keyValues.read(KEYS), keyValues.read(KEYS)])
  const reading = far.arrived.filter((chunk) => chunk.includes('get'))
  expect(reading.map((chunk) => chunk.split('get').length - 1)).toEqual([2 * KEYS.length])
})

/** A way to a Redis that takes a time of its own. */
interface FarRedis {
  readonly url: string
  /** chunks that clients sent */
  readonly arrived: string[]
  roundTripMs: number
  close(): void
}

async function startFarRedis(port: number): Promise<FarRedis> {
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const redisSide = connect(port, '127.0.0.1')
    for (const socket of [client, redisSide]) {
      sockets.add(socket.setNoDelay())
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (chunk) => {
      result.arrived.push(chunk.toString('latin1'))
      later(() => redisSide.write(chunk))
    })
    redisSide.on('data', (chunk) => later(() => client.write(chunk)))
  }).listen(0, '127.0.0.1')
  const later = (send: () => void): void => void setTimeout(send, result.roundTripMs / 2)
  await once(proxy, 'listening')
  // `listen` with a port makes it an address
  const address = proxy.address() as AddressInfo
  const result: FarRedis = {
    url: `redis://127.0.0.1:${address.port}`,
    arrived: [],
    roundTripMs: 0,
    close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
  return result
}
