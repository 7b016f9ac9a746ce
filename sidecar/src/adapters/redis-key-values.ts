import type { Redis } from 'ioredis'
import { ok, type Result, refuse } from '../domain/result.ts'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../domain/stored-value.ts'
import type { KeyValues } from './key-values.ts'
import { COMMAND_TIMEOUT_MS, describeFailure, isReplyError, type RedisObserver } from './redis.ts'

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

/** The stores' commands on Redis. What is asked in one turn of the event loop goes out together. */
export function createRedisKeyValues(redis: Redis, observer: RedisObserver): KeyValues {
  return {
    read: (keys) => attempt(() => Promise.all(keys.map(get))),
    create: (key, text, expiresAtSeconds) =>
      attempt(async () => {
        const reply =
          expiresAtSeconds === null
            ? await redis.set(key, text, 'NX')
            : await redis.set(key, text, 'EXAT', Math.ceil(expiresAtSeconds), 'NX')
        return reply === 'OK'
      }),
    write: (key, text, expiresAtSeconds) =>
      attempt(async () => {
        await redis.set(key, text, 'EXAT', Math.ceil(expiresAtSeconds))
      }),
    replace: (key, expected, text) =>
      attempt(async () => (await redis.eval(REPLACE, 1, key, expected, text)) === 1),
  }

  async function get(key: string): Promise<StoredValue> {
    try {
      const text = await redis.get(key)
      return text === null ? ABSENT : storedText(text)
    } catch (error) {
      if (isReplyError(error) && error.message.startsWith('WRONGTYPE')) return WRONG_TYPE
      throw error
    }
  }

  // INVARIANT: whatever goes wrong with Redis is a refusal, and no answer is made up for it.
  async function attempt<T>(commands: () => Promise<T>): Promise<Result<T>> {
    const startedMs = performance.now()
    const end = (failure: string | null): void =>
      observer.commandsEnded((performance.now() - startedMs) / 1000, failure)
    try {
      const value = await withinTimeout(commands())
      end(null)
      return ok(value)
    } catch (error) {
      end(describeFailure(error))
      return refuse('state-unavailable')
    }
  }
}

/**
 * ioredis' own timeout starts when a command is sent, and its auto-pipelining sends none while the
 * commands before are unanswered; a request does not wait twice.
 */
async function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('redis took too long')), COMMAND_TIMEOUT_MS)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
