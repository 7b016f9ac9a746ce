import type { RedisObserver } from '../../src/adapters/redis/client.ts'
import { probeRedis } from '../../src/adapters/redis/health.ts'
import { createRedisKeyValues } from '../../src/adapters/redis/key-values.ts'
import { redisSchema } from '../../src/config/redis-schema.ts'
import type { KeyValues } from '../../src/store/key-values.ts'
import { openConfiguredRedis } from '../../src/wiring/redis.ts'
import { createMemoryKeyValues } from '../support/memory-key-values.ts'
import {
  behindSentinels,
  inCluster,
  overTcp,
  overTls,
  overUnixSocket,
  type RedisDeployment,
} from '../support/redis-deployments.ts'
import { until } from '../support/until.ts'

/** A store's commands, and operations of an operator on the same data. */
export interface KeyValuesUnderTest {
  readonly keyValues: KeyValues
  set(key: string, text: string): Promise<void>
  /** puts a value of another type there, each type of the store in turn */
  setWrongType(key: string, type: WrongType): Promise<void>
  delete(key: string): Promise<void>
  clear(): Promise<void>
  close(): Promise<void>
}

export const WRONG_TYPES = ['list', 'set', 'hash', 'zset', 'stream'] as const
export type WrongType = (typeof WRONG_TYPES)[number]

const WRITE_OF: Record<WrongType, (key: string) => [string, ...string[]]> = {
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

/** @param start starts a Redis */
export async function inRedis(start: () => Promise<RedisDeployment>): Promise<KeyValuesUnderTest> {
  const deployment = await start()
  const redis = openConfiguredRedis({ redis: redisSchema.parse(deployment.redis) }, SILENT)
  // a probe is answered before the connection is ready for more
  await until(async () => (await probeRedis(redis)).isReady && redis.status === 'ready')
  return {
    keyValues: withOwnKeys(createRedisKeyValues(redis, SILENT)),
    set: async (key, text) => void (await deployment.command('SET', ownKey(key), text)),
    setWrongType: async (key, type) => {
      await deployment.command('DEL', ownKey(key))
      const [command, ...args] = WRITE_OF[type](ownKey(key))
      await deployment.command(command, ...args)
    },
    delete: async (key) => void (await deployment.command('DEL', ownKey(key))),
    clear: () => deployment.flush(),
    close: async () => {
      redis.disconnect()
      await deployment.stop()
    },
  }
}

/** The documented users can reach no key outside `bg:*`. */
function ownKey(key: string): string {
  return key.startsWith('bg:') ? key : `bg:${key}`
}

function withOwnKeys(keyValues: KeyValues): KeyValues {
  const commands = Object.entries(keyValues).map(([name, command]) => [
    name,
    (keys: string | readonly string[], ...args: unknown[]) =>
      command(typeof keys === 'string' ? ownKey(keys) : keys.map(ownKey), ...args),
  ])
  return Object.fromEntries(commands)
}

export type Implementation = readonly [name: string, open: () => Promise<KeyValuesUnderTest>]

/** Implementations with different behaviour. */
export const IMPLEMENTATIONS: readonly Implementation[] = [
  ['memory', inMemory],
  ['Redis', () => inRedis(overUnixSocket)],
  ['a Redis Cluster', () => inRedis(inCluster)],
]

/** Implementations with different connections. */
export const CONNECTIONS: readonly Implementation[] = [
  ['Redis over TCP', () => inRedis(overTcp)],
  ['Redis over TLS', () => inRedis(overTls)],
  ['Redis behind Sentinels', () => inRedis(behindSentinels)],
]
