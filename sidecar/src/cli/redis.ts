import { createRedisKeyValues } from '../adapters/redis/key-values.ts'
import { untilAnswered } from '../adapters/redis/retry.ts'
import type { Config } from '../config/schema.ts'
import type { Result } from '../domain/result.ts'
import type { KeyValues } from '../store/key-values.ts'
import { openConfiguredRedis } from '../wiring/redis.ts'
import { CommandError } from './command-error.ts'

/** A Redis connection for the duration of a command. */
export interface OpenRedis {
  readonly redis: ReturnType<typeof openConfiguredRedis>
  readonly keyValues: KeyValues
  /** @throws {CommandError} for a refusal, which is a failure of Redis */
  answered<T>(result: Result<T>): T
}

const CONNECT_WITHIN_MS = 5000

/** Names the remedy for a full Redis, because a revocation is urgent. */
function reasonText(failure: string): string {
  if (!failure.includes('OOM')) return `redis: ${failure}`
  return 'redis is full and took nothing: raise `maxmemory` (redis-cli CONFIG SET maxmemory …) or end sessions (redis-cli DEL bg:session:…), then do this again'
}

/** @throws {CommandError} when Redis does not answer */
export async function withRedis<T>(
  config: Config,
  work: (open: OpenRedis) => Promise<T>,
): Promise<T> {
  let lastFailure = 'no answer'
  const unavailable = (): CommandError => new CommandError('unavailable', reasonText(lastFailure))
  const ready = Promise.withResolvers<void>()
  const observer = {
    connected: (isUp: boolean) => (isUp ? ready.resolve() : undefined),
    connectionFailed: (message: string) => void (lastFailure = message),
    commandsEnded: (_seconds: number, failure: string | null) => {
      if (failure !== null) lastFailure = failure
    },
  }
  const redis = openConfiguredRedis(config, observer)
  const timer = setTimeout(() => ready.reject(unavailable()), CONNECT_WITHIN_MS)
  try {
    await ready.promise
    const keyValues = createRedisKeyValues(redis, observer)
    return await work({
      redis,
      keyValues: {
        ...keyValues,
        read: (keys) => untilAnswered(() => keyValues.read(keys)),
      },
      answered: (result) => {
        if (!result.ok) throw unavailable()
        return result.value
      },
    })
  } finally {
    clearTimeout(timer)
    redis.disconnect()
  }
}
