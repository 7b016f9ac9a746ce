import type { Cluster, Redis } from 'ioredis'
import { sessionKey } from '../session/session-id.ts'

const PREFIX = sessionKey('')
const PAGE = 200
/** what else lies under the prefix, such as a cache's heartbeat, is no session */
const SID = /^[0-9a-f]{64}$/

/**
 * Walks the sids of all sessions, a page at a time, on each primary of a Cluster. What is there from
 * beginning to end is found, now and then twice; Redis serves others between two pages.
 *
 * @throws {Error} of Redis
 */
export async function* scanSids(redis: Redis | Cluster): AsyncGenerator<readonly string[]> {
  const primaries = 'nodes' in redis ? redis.nodes('master') : [redis]
  for (const primary of primaries) {
    let cursor = '0'
    do {
      const [next, keys] = await primary.scan(cursor, 'MATCH', `${PREFIX}*`, 'COUNT', PAGE)
      const sids = keys.map((key) => key.slice(PREFIX.length)).filter((sid) => SID.test(sid))
      if (sids.length > 0) yield [...new Set(sids)]
      cursor = next
    } while (cursor !== '0')
  }
}
