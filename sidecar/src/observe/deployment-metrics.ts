import { Gauge, type Registry } from 'prom-client'

/** Metrics of the primary about the deployment around its sidecar. */
export interface DeploymentMetrics {
  readonly stateLost: Gauge
  /** @param ratio null for a Redis without a limit */
  readonly setRedisMemory: (ratio: number | null) => void
  readonly limits: Gauge<'limit'>
  readonly certificateExpiry: Gauge<'certificate'>
}

export function createDeploymentMetrics(registry: Registry): DeploymentMetrics {
  const registers = [registry]
  const redisMemory = new Gauge({
    name: 'brickgate_redis_memory_ratio',
    help: 'Share of maxmemory that Redis uses, of the fullest primary; absent without maxmemory.',
    registers,
    aggregator: 'max',
  })
  redisMemory.remove()
  return {
    setRedisMemory: (ratio) => (ratio === null ? redisMemory.remove() : redisMemory.set(ratio)),
    stateLost: new Gauge({
      name: 'brickgate_state_lost',
      help: 'Whether a loss of state is in force; absent while Redis does not answer.',
      registers,
      aggregator: 'max',
    }),
    limits: new Gauge({
      name: 'brickgate_limit_seconds',
      help: 'Configured limits, for alerts to compare with.',
      labelNames: ['limit'],
      registers,
      aggregator: 'max',
    }),
    certificateExpiry: new Gauge({
      name: 'brickgate_certificate_expiry_timestamp_seconds',
      help: 'End of a certificate: from the files of the tiers, and from a handshake with the workspace.',
      labelNames: ['certificate'],
      registers,
      aggregator: 'min',
    }),
  }
}
