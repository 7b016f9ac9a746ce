import type { KeyValues } from '../../src/adapters/key-values.ts'
import { createMemoryKeyValues } from '../../src/adapters/memory-key-values.ts'
import { openRedis, type RedisObserver } from '../../src/adapters/redis.ts'
import { createRedisKeyValues } from '../../src/adapters/redis-key-values.ts'
import { startRedisServer } from '../support/redis-server.ts'

/** A store's commands, and what an operator can do behind its back. */
export interface KeyValuesUnderTest {
  readonly keyValues: KeyValues
  set(key: string, text: string): Promise<void>
  /** puts a value of another type there; every type that the store has, in turn */
  setWrongType(key: string, type: WrongType): Promise<void>
  delete(key: string): Promise<void>
  clear(): Promise<void>
  close(): Promise<void>
}

export const WRONG_TYPES = ['list', 'set', 'hash', 'zset', 'stream'] as const
export type WrongType = (typeof WRONG_TYPES)[number]

const WRITE_OF: Record<WrongType, (key: string) => string[]> = {
  list: (key) => ['RPUSH', key, '0'],
  set: (key) => ['SADD', key, '0'],
  hash: (key) => ['HSET', key, '0', '0'],
  zset: (key) => ['ZADD', key, '0', '0'],
  stream: (key) => ['XADD', key, '*', '0', '0'],
}

const SILENT: RedisObserver = {
  connected: () => {},
  connectionFailed: () => {},
  commandsEnded: () => {},
}

async function inMemory(): Promise<KeyValuesUnderTest> {
  const memory = createMemoryKeyValues(() => Date.now() / 1000)
  return {
    keyValues: memory,
    set: async (key, text) => memory.set(key, text),
    setWrongType: async (key) => memory.set(key, null),
    delete: async (key) => void (await memory.delete(key)),
    clear: async () => memory.clear(),
    close: async () => {},
  }
}

async function inRedis(): Promise<KeyValuesUnderTest> {
  const server = await startRedisServer()
  const settings = { url: server.socketUrl, username: null, password: null, ca: null }
  const redis = openRedis(settings, SILENT)
  await new Promise<void>((resolve) => redis.once('ready', resolve))
  return {
    keyValues: createRedisKeyValues(redis, SILENT),
    set: async (key, text) => void (await server.cli('SET', key, text)),
    setWrongType: async (key, type) => {
      await server.cli('DEL', key)
      await server.cli(...WRITE_OF[type](key))
    },
    delete: async (key) => void (await server.cli('DEL', key)),
    clear: async () => void (await server.cli('FLUSHALL')),
    close: async () => {
      redis.disconnect()
      await server.stop()
    },
  }
}

export const IMPLEMENTATIONS: readonly (readonly [string, () => Promise<KeyValuesUnderTest>])[] = [
  ['memory', inMemory],
  ['Redis', inRedis],
]
