import { Gauge, type Registry } from 'prom-client'

/** What the primary can tell of the deployment around its sidecar. */
export interface DeploymentMetrics {
  readonly stateLost: Gauge
  readonly limits: Gauge<'limit'>
  readonly certificateExpiry: Gauge<'certificate'>
}

export function createDeploymentMetrics(registry: Registry): DeploymentMetrics {
  const registers = [registry]
  return {
    stateLost: new Gauge({
      name: 'brickgate_state_lost',
      help: 'Whether a loss of state is in force; absent while Redis does not say.',
      registers,
      aggregator: 'max',
    }),
    limits: new Gauge({
      name: 'brickgate_limit_seconds',
      help: 'Bounds that the configuration sets, for alerts to compare with.',
      labelNames: ['limit'],
      registers,
      aggregator: 'max',
    }),
    certificateExpiry: new Gauge({
      name: 'brickgate_certificate_expiry_timestamp_seconds',
      help: 'When a certificate ends: those of the tiers as their files say, of the workspace as it shows it.',
      labelNames: ['certificate'],
      registers,
      aggregator: 'min',
    }),
  }
}
