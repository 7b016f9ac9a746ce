import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export const LATENCY_BUCKETS: number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
]

/** Metrics of a worker about Redis and the near cache. */
export interface StateMetrics {
  readonly redisSeconds: Histogram
  readonly redisUp: Gauge
  readonly outageAllows: Counter
  readonly stateCacheHits: Counter
  readonly stateCacheMisses: Counter
  readonly stateCacheInvalidations: Counter
  readonly stateStaleness: Gauge
  readonly revocationLag: Gauge
  readonly stateAnomalies: Counter<'kind'>
}

export function createStateMetrics(registry: Registry): StateMetrics {
  const registers = [registry]
  const plain = (name: string, help: string): Counter => new Counter({ name, help, registers })
  return {
    redisSeconds: new Histogram({
      name: 'brickgate_redis_command_duration_seconds',
      help: 'Time of a Redis command, including failed commands.',
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    redisUp: new Gauge({
      name: 'brickgate_redis_up',
      help: 'Whether Redis answers this process; the lowest of all processes.',
      registers,
      aggregator: 'min',
    }),
    outageAllows: plain(
      'brickgate_outage_allows_total',
      'Allows from values cached before an outage of Redis.',
    ),
    stateCacheHits: plain(
      'brickgate_state_cache_hits_total',
      'Reads of sessions and revocations answered by the near cache.',
    ),
    stateCacheMisses: plain(
      'brickgate_state_cache_misses_total',
      'Reads of sessions and revocations sent to Redis.',
    ),
    stateCacheInvalidations: plain(
      'brickgate_state_cache_invalidations_total',
      'Keys that Redis invalidated; a flush counts as one.',
    ),
    stateStaleness: new Gauge({
      name: 'brickgate_state_staleness_seconds',
      help: 'Longest time for which a change in Redis may be unnoticed; the highest of all processes.',
      registers,
      aggregator: 'max',
    }),
    revocationLag: new Gauge({
      name: 'brickgate_revocation_lag_seconds',
      help: 'Time from writing the last heartbeat to its invalidation; the highest of all processes.',
      registers,
      aggregator: 'max',
    }),
    stateAnomalies: new Counter({
      name: 'brickgate_state_anomalies_total',
      help: 'Values in Redis of the wrong type or form; each denies.',
      labelNames: ['kind'],
      registers,
    }),
  }
}
