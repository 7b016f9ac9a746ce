import type { Config } from '../config/schema.ts'
import { openConfiguredRedis } from './configured-redis.ts'
import {
  createInvalidationFeed,
  type InvalidationFeed,
  type InvalidationFeedDeps,
} from './invalidation-feed.ts'
import { isCluster, type RedisClient, type RedisObserver } from './redis.ts'

export interface ConfiguredFeedDeps extends Omit<InvalidationFeedDeps, 'tracking' | 'commands'> {
  readonly commands: RedisClient
  readonly connectionObserver: RedisObserver
}

/** What the Redis that `brickgate.yaml` describes says about changes. @throws {Error} when a file cannot be read */
export function openConfiguredFeed(config: Config, deps: ConfiguredFeedDeps): InvalidationFeed {
  const { commands, connectionObserver } = deps
  if (isCluster(commands)) return NEVER_FRESH
  const tracking = openConfiguredRedis(config, connectionObserver, 'tracking')
  if (isCluster(tracking)) throw new TypeError('the feed of a cluster has several connections')
  return createInvalidationFeed({ ...deps, commands, tracking })
}

/** With it every request reads Redis. */
const NEVER_FRESH: InvalidationFeed = {
  stalenessMs: () => Number.POSITIVE_INFINITY,
  serverId: () => null,
  start: () => undefined,
  close: () => undefined,
}
