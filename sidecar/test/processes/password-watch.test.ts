import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRedis, SILENT_REDIS } from '../../src/adapters/redis/client.ts'
import {
  createPasswordWatch,
  NO_PASSWORD,
  type PasswordWatch,
} from '../../src/processes/password-watch.ts'
import { PASSWORD } from '../support/documented-users.ts'
import { type RedisServer, redisCli, startRedisServer } from '../support/redis-server.ts'

let server: RedisServer
let redis: Redis
let watch: PasswordWatch
let lines: string[]
let nowSeconds: number

beforeAll(async () => {
  server = await startRedisServer()
  await server.cli('ACL', 'SETUSER', 'admin', 'on', `>${PASSWORD}`, '+@all', '~*')
  redis = openAgain()
  await once(redis, 'ready')
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await setDefault('on')
  lines = []
  nowSeconds = 1000
  const write = (line: string): void => void lines.push(line)
  watch = createPasswordWatch({
    clock: { nowSeconds: () => nowSeconds },
    log: { warn: write, info: write } as never, // as much of it as is used
  })
})

function openAgain(): Redis {
  const settings = { url: server.url, username: 'admin', password: PASSWORD, ca: null }
  return openRedis(settings, SILENT_REDIS)
}

function setDefault(state: 'on' | 'off'): Promise<string> {
  const url = `redis://admin:${PASSWORD}@127.0.0.1:${server.port}`
  return redisCli('-u', url, 'ACL', 'SETUSER', 'default', state)
}

test('warns once of a Redis that needs no password', async () => {
  expect(watch.isPasswordNeeded()).toBeNull()
  await watch.look(redis)
  nowSeconds += 60
  await watch.look(redis)
  expect(watch.isPasswordNeeded()).toBe(false)
  expect(lines).toEqual([NO_PASSWORD])
})

test('says nothing of a Redis that needs one', async () => {
  await setDefault('off')
  await watch.look(redis)
  expect(watch.isPasswordNeeded()).toBe(true)
  expect(lines).toEqual([])
})

test('looks again after a minute and not before', async () => {
  await watch.look(redis)
  await setDefault('off')
  nowSeconds += 59
  await watch.look(redis)
  expect(watch.isPasswordNeeded()).toBe(false)
  nowSeconds += 1
  await watch.look(redis)
  expect(watch.isPasswordNeeded()).toBe(true)
  expect(lines).toEqual([NO_PASSWORD, 'redis needs a password now'])
})

test('looks at once at another Redis, and again when one did not answer', async () => {
  await watch.look(redis)
  await setDefault('off')
  const other = openAgain()
  await once(other, 'ready')
  server.pause()
  await watch.look(other)
  server.resume()
  expect(watch.isPasswordNeeded()).toBe(false) // the last finding
  await expect
    .poll(async () => {
      await watch.look(other)
      return watch.isPasswordNeeded()
    })
    .toBe(true)
  other.disconnect()
})
