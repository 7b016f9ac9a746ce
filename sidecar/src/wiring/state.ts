import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../adapters/redis/client.ts'
import { createRedisKeyValues } from '../adapters/redis/key-values.ts'
import { watchRedis } from '../adapters/redis/watch.ts'
import type { AuthenticateDeps } from '../authorize/authenticate.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../domain/clock.ts'
import { createNearCache } from '../near-cache/near-cache.ts'
import type { Logger } from '../observe/log.ts'
import type { WorkerMetrics } from '../observe/metrics.ts'
import {
  feedConnectionObserver,
  feedObserver,
  nearCacheObserver,
  redisObserver,
  stateObserver,
} from '../observe/state-observers.ts'
import type { Tracing } from '../observe/tracing.ts'
import { createRevocationView } from '../revocation/revocation-view.ts'
import { createOutageEdges, type OutageEdge, type RedisNews } from '../session/outage.ts'
import { createSessionResolver } from '../session/session-resolver.ts'
import { createIdleRule, createSessionUse, type SessionUse } from '../session/session-use.ts'
import type { KeyValues } from '../store/key-values.ts'
import { createStateStores, type StateStores } from '../store/state-stores.ts'
import { openConfiguredFeed } from './invalidation-feed.ts'
import {
  createSessionAdministration,
  type SessionAdministration,
  seenSeal,
  sessionCipher,
} from './session-administration.ts'
import { longestAcceptanceSeconds } from './trusted-issuers.ts'

/** The parts that check sessions and revocations, and those that administer them. */
export interface SessionParts extends Pick<AuthenticateDeps, 'sessions' | 'revocations'> {
  readonly administration: SessionAdministration
  readonly use: SessionUse
}

export interface StateDeps {
  readonly metrics: WorkerMetrics
  readonly log: Logger
  readonly clock: Clock
  /** null without tracing */
  readonly tracing: Tracing | null
  /** the primary's present knowledge of Redis */
  readonly redisNews: () => RedisNews
  /** called with the outages that this process sees */
  readonly onOutage: (edge: OutageEdge) => void
}

/** Per worker: some 10,000 sessions with their tokens, or 50,000 bearers. */
const NEAR_CACHE_BOUNDS = { maxEntries: 250_000, maxCharacters: 64 * 1024 * 1024 }
/** a lost or late heartbeat must not make the state look stale */
const HEARTBEATS_PER_BOUND = 4

/** A worker's state in Redis. */
export interface AppState {
  readonly keyValues: KeyValues
  /** the stores of sessions and revocations, read through the near cache */
  readonly stores: StateStores
  close(): void
}

export function openState(config: Config, redis: RedisClient, deps: StateDeps): AppState {
  const { metrics, log, clock } = deps
  const { max_staleness_ms } = config.revocation
  const keyValues = createRedisKeyValues(redis, redisObserver(metrics, log, deps.tracing))
  const feed = openConfiguredFeed(config, {
    commands: redis,
    connectionObserver: feedConnectionObserver(log),
    observer: feedObserver(metrics, log),
    clock,
    newId: randomUUID,
    intervalMs: max_staleness_ms / HEARTBEATS_PER_BOUND,
  })
  const cache = createNearCache({
    keyValues,
    feed,
    observer: nearCacheObserver(metrics),
    maxStalenessMs: max_staleness_ms,
    serveKnownForMs: config.outage.redis === 'deny' ? null : config.outage.redis.serve_known_for_ms,
    bounds: NEAR_CACHE_BOUNDS,
  })
  feed.start(cache)
  const stores = createStateStores({
    keyValues,
    reader: cache,
    observer: stateObserver(metrics, log),
    newId: randomUUID,
    longestAcceptanceSeconds: longestAcceptanceSeconds(config),
  })
  return { keyValues, stores, close: feed.close }
}

/** Creates the parts that check sessions and revocations. */
export function createSessionParts(
  config: Config,
  { stores, keyValues }: AppState,
  { metrics, log, redisNews }: StateDeps,
): SessionParts {
  const observer = stateObserver(metrics, log)
  const isIdle = createIdleRule(config.sessions.idle_timeout_s, () => redisNews().outages)
  const use = createSessionUse({
    store: stores.sessions,
    seal: seenSeal(config, observer),
    isIdle,
  })
  return {
    use,
    sessions: createSessionResolver({
      store: stores.sessions,
      cipher: sessionCipher(config),
      observer,
      use,
      idleTimeoutSeconds: config.sessions.idle_timeout_s,
      anyTier: config.sessions.any_tier,
    }),
    revocations: createRevocationView({
      store: stores.revocations,
      observer,
      clockSkewSeconds: config.revocation.clock_skew_s,
    }),
    administration: createSessionAdministration(config, {
      keyValues,
      observer,
      isIdle: use.isIdle,
      isFull: () => redisNews().isFull,
    }),
  }
}

/**
 * Probes Redis every second.
 *
 * @returns a function that stops the probes
 */
export function watchUse(
  redis: RedisClient,
  use: SessionUse,
  { metrics, clock, onOutage }: StateDeps,
): () => void {
  const edges = createOutageEdges(onOutage)
  return watchRedis(redis, clock.nowSeconds, (look) => {
    metrics.redisUp.set(look.isUp ? 1 : 0)
    edges(look.askedSeconds, look.knownSeconds, look.isWritable)
    if (look.isWritable) void use.saveAgain(look.knownSeconds)
  })
}
