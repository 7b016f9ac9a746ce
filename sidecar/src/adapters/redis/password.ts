import type { Redis, RedisOptions } from 'ioredis'
import { isReplyError, type RedisClient } from './client.ts'
import { serversOf } from './health.ts'

/**
 * Checks whether Redis answers an anonymous client: a separate connection without user and
 * password, to the same servers, in a Cluster to every primary. TLS and a client certificate are as
 * configured.
 *
 * @returns whether every server requires a password; null while a server does not answer and none
 *   is open
 */
export async function asksForPassword(redis: RedisClient): Promise<boolean | null> {
  const servers = serversOf(redis)
  const found = await Promise.all(servers.map(requiresPassword))
  if (found.includes(false)) return false
  return found.length === 0 || found.includes(null) ? null : true
}

/**
 * Sends a single PING without credentials: a rejected HELLO or INFO would end the connection before
 * the PING.
 */
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
    // the default user was let in and may not PING; any other answer, such as too many clients,
    // proves nothing
    return error.message.startsWith('NOPERM') ? false : null
  } finally {
    stranger.disconnect()
  }
}
