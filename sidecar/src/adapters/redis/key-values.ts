import { ok, type Result, refuse } from '../../domain/result.ts'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../../domain/stored-value.ts'
import { type IndexMember, type KeyValues, MAX_INDEX_MEMBERS } from '../../store/key-values.ts'
import {
  COMMAND_TIMEOUT_MS,
  describeFailure,
  isReplyError,
  type RedisClient,
  type RedisObserver,
} from './client.ts'
import { REPLICAS_WITHIN_MS, replicasHave } from './replicas.ts'

// Another type is another value: a failed GET must not end the script.
const REPLACE = `
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`

const DELETE_IF = `
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

const EXTEND = `
redis.call('EXPIREAT', KEYS[1], ARGV[1], 'GT')
return redis.call('EXISTS', KEYS[1])`

// A member's score is the second of its end, negative while the member is reserved. ZRANGE counts,
// because the documented users of Redis may not run ZCOUNT.
const INDEX_ADD = `
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(-' .. now, '(' .. now)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last then redis.call('EXPIREAT', KEYS[1], math.max(-first, last)) end
return #redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE')`

/** @param reply members and scores in turn */
function indexMembersOf(reply: readonly string[]): readonly IndexMember[] {
  const members: IndexMember[] = []
  for (let at = 0; at + 1 < reply.length; at += 2) {
    const [member = '', score] = reply.slice(at, at + 2)
    members.push({ member, isReserved: Number(score) < 0 })
  }
  return members
}

/** The stores' commands on Redis. */
export function createRedisKeyValues(redis: RedisClient, observer: RedisObserver): KeyValues {
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
        if (expiresAtSeconds === null) await redis.set(key, text)
        else await redis.set(key, text, 'EXAT', Math.ceil(expiresAtSeconds))
      }),
    replace: (key, expected, text) =>
      attempt(async () => (await redis.eval(REPLACE, 1, key, expected, text)) === 1),
    delete: (key) => attempt(async () => (await redis.del(key)) === 1),
    deleteIf: (key, expected) =>
      attempt(async () => (await redis.eval(DELETE_IF, 1, key, expected)) === 1),
    extend: (key, expiresAtSeconds) =>
      attempt(
        async () => (await redis.eval(EXTEND, 1, key, String(Math.ceil(expiresAtSeconds)))) === 1,
      ),
    indexAdd: (key, member, endsAtSeconds, isReserved) =>
      attempt(async () => {
        const score = Math.ceil(endsAtSeconds) * (isReserved ? -1 : 1)
        return Number(await redis.eval(INDEX_ADD, 1, key, String(score), member))
      }),
    indexMembers: (key) =>
      attempt(async () =>
        indexMembersOf(await redis.zrange(key, String(-MAX_INDEX_MEMBERS), '-1', 'WITHSCORES')),
      ),
    indexRemove: (key, member) =>
      attempt(async () => {
        await redis.zrem(key, member)
      }),
    settle: (key) =>
      attempt(() => replicasHave(redis, key), REPLICAS_WITHIN_MS + COMMAND_TIMEOUT_MS),
  }

  function get(key: string): Promise<StoredValue> {
    return stored(redis.get(key))
  }

  // INVARIANT: every failure of Redis is a refusal, and never a made-up answer; a made-up `absent`
  // would lift revocations.
  async function attempt<T>(
    commands: () => Promise<T>,
    timeoutMs = COMMAND_TIMEOUT_MS,
  ): Promise<Result<T>> {
    const startedMs = performance.now()
    const end = (failure: string | null): void =>
      observer.commandsEnded((performance.now() - startedMs) / 1000, failure)
    try {
      const value = await within(timeoutMs, commands())
      end(null)
      return ok(value)
    } catch (error) {
      end(describeFailure(error))
      return refuse('state-unavailable')
    }
  }
}

async function stored(reply: Promise<string | null>): Promise<StoredValue> {
  try {
    const text = await reply
    return text === null ? ABSENT : storedText(text)
  } catch (error) {
    if (isReplyError(error) && error.message.startsWith('WRONGTYPE')) return WRONG_TYPE
    throw error
  }
}

/**
 * The time limit of ioredis is per command, and a Cluster may redirect a command several times; a
 * request does not wait twice.
 */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('redis took too long')), timeoutMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
