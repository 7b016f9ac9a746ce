import type { Redis } from 'ioredis'
import { isReplyError } from './redis.ts'

export interface RedisHealth {
  readonly isUp: boolean
  /** `maxmemory-policy`; null when it could not be read */
  readonly evictionPolicy: string | null
  /** whether Redis answers and can be relied on never to drop a revocation */
  readonly isReady: boolean
}

/**
 * Asks Redis how it is. Any eviction policy but `noeviction`, and one that cannot be read, is not
 * ready: a full Redis would un-revoke. INFO says it also where an ACL forbids CONFIG.
 */
export async function probeRedis(redis: Redis): Promise<RedisHealth> {
  try {
    const memory = await redis.info('memory')
    const evictionPolicy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null
    return { isUp: true, evictionPolicy, isReady: evictionPolicy === 'noeviction' }
  } catch (error) {
    return { isUp: isReplyError(error), evictionPolicy: null, isReady: false }
  }
}

const ASK_EVERY_MS = 1000

/**
 * Tells every second whether Redis answers: a process that gets no requests would not notice that Redis
 * went, or came back.
 *
 * @returns ends it
 */
export function watchRedis(redis: Redis, tell: (isUp: boolean) => void): () => void {
  const ask = (): void => {
    redis.ping().then(
      () => tell(true),
      (error: unknown) => tell(isReplyError(error)),
    )
  }
  const timer = setInterval(ask, ASK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
