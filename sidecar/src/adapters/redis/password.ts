import type { Redis, RedisOptions } from 'ioredis'
import { isReplyError, type RedisClient } from './client.ts'
import { serversOf } from './health.ts'

/**
 * Finds whether Redis answers a stranger: a connection of its own without user and password, to the same
 * servers, in a Cluster to every primary. TLS and a client certificate are as configured.
 *
 * @returns whether every server wants a password; null while a server does not say and none is open
 */
export async function asksForPassword(redis: RedisClient): Promise<boolean | null> {
  const servers = serversOf(redis)
  const found = await Promise.all(servers.map(requiresPassword))
  if (found.includes(false)) return false
  return found.length === 0 || found.includes(null) ? null : true
}

/** Asks once, and as nobody: HELLO or INFO, refused, would end the connection before the PING. */
const ONE_PING = {
  username: '',
  password: '',
  protocol: 2,
  enableReadyCheck: false,
  lazyConnect: true,
  enableOfflineQueue: false,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
} as const satisfies RedisOptions

async function requiresPassword(server: Redis): Promise<boolean | null> {
  const stranger = server.duplicate(ONE_PING)
  stranger.on('error', () => 'the attempt that failed rejects, too')
  try {
    await stranger.connect()
    await stranger.ping()
    return false
  } catch (error) {
    if (!isReplyError(error)) return null
    if (error.message.startsWith('NOAUTH')) return true
    // the default user was let in and may not PING; any other answer, such as one of too many clients, says nothing
    return error.message.startsWith('NOPERM') ? false : null
  } finally {
    stranger.disconnect()
  }
}
