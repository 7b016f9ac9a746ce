import type { RedisObserver } from '../adapters/redis/client.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import type { FeedObserver } from '../near-cache/feed.ts'
import type { NearCacheObserver } from '../near-cache/near-cache.ts'
import type { Logger } from './log.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Tracing } from './tracing.ts'

/** Counts commands and connections between a worker and Redis. */
export function redisObserver(
  metrics: WorkerMetrics,
  log: Logger,
  tracing: Tracing | null = null,
): RedisObserver {
  metrics.redisUp.set(0)
  return {
    connected(isUp) {
      metrics.redisUp.set(isUp ? 1 : 0)
      log.info({ isUp }, 'redis connection')
    },
    connectionFailed: (message) => log.warn({ failure: message }, 'redis connection failed'),
    commandsEnded(seconds, failure) {
      metrics.redisSeconds.observe(seconds)
      metrics.redisUp.set(failure === null ? 1 : 0)
      tracing?.child('redis', seconds, failure !== null)
    },
  }
}

/** Observes the feed's connection. Its few commands are not counted; staleness shows its state. */
export function feedConnectionObserver(log: Logger): RedisObserver {
  return {
    connected: (isUp) => log.info({ isUp }, 'redis tracking connection'),
    connectionFailed: (message) => log.warn({ failure: message }, 'redis tracking failed'),
    commandsEnded: () => undefined,
  }
}

export function feedObserver(metrics: WorkerMetrics, log: Logger): FeedObserver {
  return {
    lag: (seconds) => metrics.revocationLag.set(seconds),
    staleness: (seconds) => metrics.stateStaleness.set(seconds),
    failed: (message) => log.warn({ failure: message }, 'invalidations from redis stopped'),
  }
}

export function nearCacheObserver(metrics: WorkerMetrics): NearCacheObserver {
  return {
    hit: () => metrics.stateCacheHits.inc(),
    miss: () => metrics.stateCacheMisses.inc(),
    invalidated: (keys) => metrics.stateCacheInvalidations.inc(keys),
  }
}

const LOG_EVERY_MS = 1000

/** Counts values in Redis with a wrong form, and logs at most one of each kind a second. */
export function stateObserver(metrics: WorkerMetrics, log: Logger): StateObserver {
  const loggedAtMs = new Map<string, number>()
  return {
    anomaly(kind, key) {
      metrics.stateAnomalies.inc({ kind })
      const nowMs = performance.now()
      if (nowMs - (loggedAtMs.get(kind) ?? -LOG_EVERY_MS) < LOG_EVERY_MS) return
      loggedAtMs.set(kind, nowMs)
      log.warn({ kind, key }, 'a value in redis has the wrong form')
    },
  }
}
