import type { Redis } from 'ioredis'
import { REDIS_KEYS } from '../../domain/redis-keys.ts'
import { ok, type Result, refuse } from '../../domain/result.ts'
import { isSid } from '../../session/session.ts'
import { isCluster, isReplyError, type RedisClient } from './client.ts'
import { probeRedis } from './health.ts'
import { untilAnswered } from './retry.ts'

const PAGE = 200

/**
 * Reads the sids of all sessions, page by page, on each primary of a Cluster. A session that exists
 * the whole time is found, sometimes twice; Redis serves other clients between pages.
 *
 * @throws {Error} when Redis does not answer for some seconds, or answers with an error
 */
export async function* scanSids(redis: RedisClient): AsyncGenerator<readonly string[]> {
  const whole = await untilAnswered(() => answersWhole(redis))
  if (!whole.ok) throw new Error('redis does not answer, or not all of its servers do')
  const primaries = isCluster(redis) ? redis.nodes('master') : [redis]
  for (const primary of primaries) {
    let cursor = '0'
    do {
      const at = cursor
      const page = await untilAnswered(() => scanPage(primary, at))
      if (!page.ok) throw new Error('redis took too long')
      const sids = page.value.keys.map((key) => key.slice(REDIS_KEYS.session.length))
      const unique = new Set(sids.filter(isSid)) // heartbeats have the same prefix
      if (unique.size > 0) yield [...unique]
      cursor = page.value.next
    } while (cursor !== '0')
  }
}

/** A lost primary has sessions too: without it an incomplete list would look complete. */
async function answersWhole(redis: RedisClient): Promise<Result<void>> {
  const { isUp } = await probeRedis(redis)
  return isUp ? ok(undefined) : refuse('state-unavailable')
}

async function scanPage(
  primary: Redis,
  cursor: string,
): Promise<Result<{ readonly next: string; readonly keys: readonly string[] }>> {
  try {
    const [next, keys] = await primary.scan(
      cursor,
      'MATCH',
      `${REDIS_KEYS.session}*`,
      'COUNT',
      PAGE,
    )
    return ok({ next, keys })
  } catch (error) {
    if (isReplyError(error)) throw error
    return refuse('state-unavailable')
  }
}
