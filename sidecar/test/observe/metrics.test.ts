import { describe, expect, it } from 'vitest'
import { createPrimaryMetrics, createWorkerMetrics } from '../../src/observe/metrics.ts'

/** A metric with its type, its labels, and its aggregation over processes. */
type Row = readonly [name: string, type: string, labels: readonly string[], aggregator: string]

const WORKER: readonly Row[] = [
  ['brickgate_decisions_total', 'counter', ['decision', 'reason', 'tier', 'credential'], 'sum'],
  ['brickgate_decision_duration_seconds', 'histogram', ['decision'], 'sum'],
  ['brickgate_token_verifications_total', 'counter', ['issuer', 'result'], 'sum'],
  ['brickgate_token_cache_hits_total', 'counter', [], 'sum'],
  ['brickgate_token_cache_misses_total', 'counter', [], 'sum'],
  ['brickgate_redis_command_duration_seconds', 'histogram', [], 'sum'],
  ['brickgate_redis_up', 'gauge', [], 'min'],
  ['brickgate_outage_allows_total', 'counter', [], 'sum'],
  ['brickgate_state_cache_hits_total', 'counter', [], 'sum'],
  ['brickgate_state_cache_misses_total', 'counter', [], 'sum'],
  ['brickgate_state_cache_invalidations_total', 'counter', [], 'sum'],
  ['brickgate_state_staleness_seconds', 'gauge', [], 'max'],
  ['brickgate_revocation_lag_seconds', 'gauge', [], 'max'],
  ['brickgate_state_anomalies_total', 'counter', ['kind'], 'sum'],
  ['brickgate_fastcgi_protocol_errors_total', 'counter', ['kind'], 'sum'],
  ['brickgate_audit_records_total', 'counter', [], 'sum'],
  ['brickgate_audit_dropped_total', 'counter', [], 'sum'],
]

const PRIMARY: readonly Row[] = [
  ['brickgate_build_info', 'gauge', ['version', 'node'], 'max'],
  ['brickgate_jwks_age_seconds', 'gauge', ['issuer'], 'max'],
  ['brickgate_jwks_fetches_total', 'counter', ['issuer', 'result'], 'sum'],
  ['brickgate_workers', 'gauge', ['state'], 'sum'],
  ['brickgate_worker_exits_total', 'counter', ['role'], 'sum'],
  ['brickgate_scrapes_without_worker_total', 'counter', [], 'sum'],
  ['brickgate_config_reloads_total', 'counter', ['result'], 'sum'],
  ['brickgate_state_lost', 'gauge', [], 'max'],
  ['brickgate_redis_memory_ratio', 'gauge', [], 'max'],
  ['brickgate_limit_seconds', 'gauge', ['limit'], 'max'],
  ['brickgate_certificate_expiry_timestamp_seconds', 'gauge', ['certificate'], 'min'],
]

describe.each([
  ['a worker', () => createWorkerMetrics().registry, WORKER],
  ['the primary', () => createPrimaryMetrics('1.2.3').registry, PRIMARY],
] as const)('the metrics of %s', (_process, registry, rows) => {
  it.each(rows)(
    'have %s, a %s with labels %j, joined by %s',
    async (name, type, labels, aggregator) => {
      const metric = registry().getSingleMetric(name)
      expect(metric).toMatchObject({ type, labelNames: [...labels], aggregator })
    },
  )

  it('have nothing else of ours, and what prom-client tells of a process', async () => {
    const names = registry()
      .getMetricsAsArray()
      .map((metric) => metric.name)
    const ours = names.filter((name) => name.startsWith('brickgate_'))
    expect(ours.sort()).toEqual(rows.map(([name]) => name).sort())
    expect(names).toContain('process_resident_memory_bytes')
  })

  it('have units and endings as Prometheus wants them', () => {
    for (const metric of registry().getMetricsAsArray()) {
      const isCounter = String(metric.type) === 'counter'
      expect(metric.name.endsWith('_total'), metric.name).toBe(isCounter)
      expect(metric.name).not.toMatch(/_(?:ms|us|milliseconds|kb)(?:_|$)/)
    }
  })
})

it('the version of the sidecar and of Node are labels of brickgate_build_info', async () => {
  const page = await createPrimaryMetrics('1.2.3').registry.metrics()
  expect(page).toContain(`brickgate_build_info{version="1.2.3",node="${process.version}"} 1\n`)
})

it('each process has counters of its own', () => {
  const [one, other] = [createWorkerMetrics(), createWorkerMetrics()]
  one.auditRecords.inc()
  expect(other.registry).not.toBe(one.registry)
})
