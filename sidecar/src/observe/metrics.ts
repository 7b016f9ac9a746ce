import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { createDeploymentMetrics, type DeploymentMetrics } from './deployment-metrics.ts'
import { createStateMetrics, LATENCY_BUCKETS, type StateMetrics } from './state-metrics.ts'

/** Gauges of prom-client with names of counters, which `promtool check metrics` rejects. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** Metrics of an authorizer worker or the responder. Label values come only from closed tables. */
export interface WorkerMetrics extends StateMetrics {
  readonly registry: Registry
  readonly decisions: Counter<'decision' | 'reason' | 'tier' | 'credential'>
  readonly decisionSeconds: Histogram<'decision'>
  readonly tokenVerifications: Counter<'issuer' | 'result'>
  readonly tokenCacheHits: Counter
  readonly tokenCacheMisses: Counter
  readonly protocolErrors: Counter<'kind'>
  readonly auditRecords: Counter
  readonly auditDropped: Counter
}

export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectProcessMetrics(registry)
  const counter = <T extends string>(name: string, help: string, labelNames: T[]): Counter<T> =>
    new Counter({ name, help, labelNames, registers })
  const plain = (name: string, help: string): Counter => new Counter({ name, help, registers })
  return {
    registry,
    decisions: counter(
      'brickgate_decisions_total',
      'Decisions by effect, reason, tier and credential.',
      ['decision', 'reason', 'tier', 'credential'],
    ),
    decisionSeconds: new Histogram({
      name: 'brickgate_decision_duration_seconds',
      help: 'Time from the parameters of a request to its decision.',
      labelNames: ['decision'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    tokenVerifications: counter(
      'brickgate_token_verifications_total',
      'Verifications of tokens without cache hits; an unverified issuer is `unknown`.',
      ['issuer', 'result'],
    ),
    tokenCacheHits: plain(
      'brickgate_token_cache_hits_total',
      'Tokens found in the cache of verified tokens.',
    ),
    tokenCacheMisses: plain(
      'brickgate_token_cache_misses_total',
      'Tokens missing in the cache of verified tokens.',
    ),
    ...createStateMetrics(registry),
    protocolErrors: counter(
      'brickgate_fastcgi_protocol_errors_total',
      'FastCGI connections closed because of malformed records.',
      ['kind'],
    ),
    auditRecords: plain('brickgate_audit_records_total', 'Audit records written.'),
    auditDropped: plain('brickgate_audit_dropped_total', 'Audit records lost.'),
  }
}

/** Metrics of the primary: keys, workers, and the deployment. */
export interface PrimaryMetrics extends DeploymentMetrics {
  readonly registry: Registry
  readonly jwksAge: Gauge<'issuer'>
  readonly jwksFetches: Counter<'issuer' | 'result'>
  readonly workers: Gauge<'state'>
  readonly workerExits: Counter<'role'>
  readonly silentWorkers: Counter
  readonly reloads: Counter<'result'>
}

export function createPrimaryMetrics(version: string): PrimaryMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectProcessMetrics(registry)
  new Gauge({
    name: 'brickgate_build_info',
    help: 'Always 1; the labels are the running versions.',
    labelNames: ['version', 'node'],
    registers,
    aggregator: 'max',
  }).set({ version, node: process.version }, 1)
  const metrics: PrimaryMetrics = {
    registry,
    ...createDeploymentMetrics(registry),
    jwksAge: new Gauge({
      name: 'brickgate_jwks_age_seconds',
      help: 'Age of the keys of an issuer; absent while there are none.',
      labelNames: ['issuer'],
      registers,
      aggregator: 'max',
    }),
    jwksFetches: new Counter({
      name: 'brickgate_jwks_fetches_total',
      help: 'Attempts to fetch the keys of an issuer.',
      labelNames: ['issuer', 'result'],
      registers,
    }),
    workers: new Gauge({
      name: 'brickgate_workers',
      help: 'Workers by state: configured, and ready to serve.',
      labelNames: ['state'],
      registers,
    }),
    workerExits: new Counter({
      name: 'brickgate_worker_exits_total',
      help: 'Unexpected exits of workers, including killed workers.',
      labelNames: ['role'],
      registers,
    }),
    silentWorkers: new Counter({
      name: 'brickgate_scrapes_without_worker_total',
      help: 'Scrapes without a worker that did not answer in time.',
      registers,
    }),
    reloads: new Counter({
      name: 'brickgate_config_reloads_total',
      help: 'Configuration changes applied or rejected.',
      labelNames: ['result'],
      registers,
    }),
  }
  // Set from the start, because Prometheus does not count a first value as an increase.
  for (const role of ['authorizer', 'responder']) metrics.workerExits.inc({ role }, 0)
  for (const result of ['ok', 'error']) metrics.reloads.inc({ result }, 0)
  return metrics
}

function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register })
  for (const name of MISNAMED) register.removeSingleMetric(name)
}
