import { isCluster, type RedisClient, type RedisObserver } from '../adapters/redis/client.ts'
import { openClusterTracking } from '../adapters/redis/cluster.ts'
import { createClusterInvalidationFeed } from '../adapters/redis/cluster-invalidation-feed.ts'
import {
  createInvalidationFeed,
  type InvalidationFeedDeps,
} from '../adapters/redis/invalidation-feed.ts'
import { createSameServerFeed } from '../adapters/redis/same-server-feed.ts'
import type { Config } from '../config/schema.ts'
import type { InvalidationFeed } from '../near-cache/feed.ts'
import { clusterSettings, openConfiguredRedis } from './redis.ts'

export interface ConfiguredFeedDeps
  extends Omit<InvalidationFeedDeps, 'tracking' | 'commands' | 'heartbeatPrefixes'> {
  readonly commands: RedisClient
  readonly connectionObserver: RedisObserver
}

/**
 * The invalidation feed of the Redis in `brickgate.yaml`.
 *
 * @throws {Error} when a file cannot be read
 */
export function openConfiguredFeed(
  { redis }: Pick<Config, 'redis'>,
  deps: ConfiguredFeedDeps,
): InvalidationFeed {
  const { commands, connectionObserver } = deps
  if ('cluster' in redis && isCluster(commands)) {
    const settings = clusterSettings(redis)
    return createClusterInvalidationFeed({
      ...deps,
      commands,
      openTracking: (address) => openClusterTracking(settings, address, connectionObserver),
    })
  }
  const tracking = openConfiguredRedis({ redis }, connectionObserver, 'tracking')
  if (isCluster(tracking) || isCluster(commands)) {
    throw new TypeError('a cluster is listened to server by server')
  }
  return createSameServerFeed(createInvalidationFeed({ ...deps, commands, tracking }), commands)
}
