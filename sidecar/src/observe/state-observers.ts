import type { RedisObserver } from '../adapters/redis.ts'
import type { StateObserver } from '../session/state-observer.ts'
import type { Logger } from './log.ts'
import type { WorkerMetrics } from './metrics.ts'

/** Counts what happens between a worker and Redis. */
export function redisObserver(metrics: WorkerMetrics, log: Logger): RedisObserver {
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
    },
  }
}

const LOG_EVERY_MS = 1000

/** Counts values in Redis that refuse because of their form, and logs at most one of each kind a second. */
export function stateObserver(metrics: WorkerMetrics, log: Logger): StateObserver {
  const loggedAtMs = new Map<string, number>()
  return {
    anomaly(kind, key) {
      metrics.stateAnomalies.inc({ kind })
      const nowMs = performance.now()
      if (nowMs - (loggedAtMs.get(kind) ?? -LOG_EVERY_MS) < LOG_EVERY_MS) return
      loggedAtMs.set(kind, nowMs)
      log.warn({ kind, key }, 'a value in redis is not what its key promises')
    },
  }
}
