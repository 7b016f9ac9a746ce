import { type ChildProcess, spawn } from 'node:child_process'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { freePort } from '../../launch/probe.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

const WAIT = { timeout: 5000, interval: 10 }

let server: ChildProcess
let direct: Redis
let proxy: FaultProxy
let commands: Redis
let tracking: Redis
/** the keys that the tracking connection heard of */
let heard: string[]

beforeAll(async () => {
  const port = await freePort()
  server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''])
  direct = new Redis(port, '127.0.0.1')
  direct.on('error', () => undefined) // until it listens
  await direct.ping()
})

afterAll(() => {
  direct.disconnect()
  server.kill()
})

beforeEach(async () => {
  proxy = await startFaultProxy(direct.options.port ?? 0)
  commands = new Redis(proxy.port, '127.0.0.1')
  tracking = await track()
})

afterEach(async () => {
  commands.disconnect()
  tracking.disconnect()
  await proxy.close()
})

it('the proxy passes everything on, and knows the connection that hears invalidations', async () => {
  await commands.set('a', '1')
  await expect.poll(() => heard, WAIT).toEqual(['a'])
  expect(proxy.tracking).toBe(1)
})

it('the proxy holds invalidations, in order, until it passes again, while commands go on', async () => {
  proxy.setFate('hold')
  await commands.set('a', '1')
  await commands.set('b', '1')
  await pause(100)
  expect(heard).toEqual([])
  proxy.setFate('pass')
  await expect.poll(() => heard, WAIT).toEqual(['a', 'b'])
})

it('the proxy delays invalidations', async () => {
  proxy.setFate({ delayMs: 200 })
  const writtenMs = performance.now()
  await commands.set('a', '1')
  await expect.poll(() => heard, WAIT).toEqual(['a'])
  expect(performance.now() - writtenMs).toBeGreaterThan(190)
})

it('the proxy cuts connections for invalidations, once or until told otherwise', async () => {
  const cut = (): Promise<void> => new Promise((resolve) => tracking.once('close', resolve))
  const first = cut()
  proxy.cutOnce()
  await first
  tracking = await track()
  const second = cut()
  proxy.setFate('cut')
  await second
  await expect(track()).rejects.toThrow('Connection is closed')
  expect(await commands.ping()).toBe('PONG')
})

it('the proxy replaces a connection so that it answers and hears nothing any more', async () => {
  proxy.replaceSilently()
  await tracking.ping()
  await commands.set('a', '1')
  await pause(100)
  expect(heard).toEqual([])
  await direct.publish('__redis__:invalidate', 'by hand')
  await expect.poll(() => heard, WAIT).not.toEqual([])
})

async function track(): Promise<Redis> {
  const redis = new Redis(proxy.port, '127.0.0.1', { protocol: 2, retryStrategy: () => null })
  redis.on('error', () => undefined)
  heard = []
  redis.on('messageBuffer', (_channel: Buffer, keys: unknown) => heard.push(String(keys)))
  const id = String(await redis.client('ID'))
  await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST')
  await redis.subscribe('__redis__:invalidate')
  return redis
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
