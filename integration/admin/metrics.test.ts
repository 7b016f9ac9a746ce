import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { run } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'

let stack: StackClient

const CLUSTERS = '/api/2.1/clusters/list'
/** DESIGN: every metric of section 7 that has a source by now, with its labels. */
const METRICS = [
  ['brickgate_decisions_total', 'counter', ['credential', 'decision', 'reason', 'tier']],
  ['brickgate_decision_duration_seconds', 'histogram', ['decision']],
  ['brickgate_token_verifications_total', 'counter', ['issuer', 'result']],
  ['brickgate_token_cache_hits_total', 'counter', []],
  ['brickgate_token_cache_misses_total', 'counter', []],
  ['brickgate_redis_command_duration_seconds', 'histogram', []],
  ['brickgate_redis_up', 'gauge', []],
  ['brickgate_outage_allows_total', 'counter', []],
  ['brickgate_state_cache_hits_total', 'counter', []],
  ['brickgate_state_cache_misses_total', 'counter', []],
  ['brickgate_state_cache_invalidations_total', 'counter', []],
  ['brickgate_state_staleness_seconds', 'gauge', []],
  ['brickgate_revocation_lag_seconds', 'gauge', []],
  ['brickgate_jwks_age_seconds', 'gauge', ['issuer']],
  ['brickgate_jwks_fetches_total', 'counter', ['issuer', 'result']],
  ['brickgate_audit_records_total', 'counter', []],
  ['brickgate_audit_dropped_total', 'counter', []],
  ['brickgate_build_info', 'gauge', ['node', 'version']],
  ['brickgate_workers', 'gauge', ['state']],
  ['brickgate_worker_exits_total', 'counter', ['role']],
  ['brickgate_state_lost', 'gauge', []],
  ['brickgate_limit_seconds', 'gauge', ['limit']],
  ['brickgate_certificate_expiry_timestamp_seconds', 'gauge', ['certificate']],
  ['process_cpu_seconds_total', 'counter', []],
  ['process_resident_memory_bytes', 'gauge', []],
  ['nodejs_eventloop_lag_p99_seconds', 'gauge', []],
] as const

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  for (const credential of [token, token, 'no.jwt.this']) await stack.sendAs(credential, CLUSTERS)
})

afterAll(() => stack.close())

it('promtool check metrics accepts /metrics', async () => {
  const { status, body } = await stack.admin('/metrics')
  expect(status).toBe(200)
  expect(await run('promtool', ['check', 'metrics'], body)).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
})

describe('/metrics has', () => {
  it.each(METRICS)('/metrics has %s, a %s with labels %j', async (name, type, labels) => {
    const { body } = await stack.admin('/metrics')
    expect(body).toContain(`# TYPE ${name} ${type}\n`)
    const samples = [...body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].filter(
      ([, metric = '']) => metric.replace(/_(?:bucket|sum|count)$/, '') === name,
    )
    expect(samples.length).toBeGreaterThan(0)
    for (const [, , text = ''] of samples) {
      const found = [...text.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
      expect(found.filter((label) => label !== 'le').sort()).toEqual([...labels])
    }
  })
})

describe('each request is counted once', () => {
  it.each([
    ['an allow', { sub: 'alice', groups: ['analysts'] }, 'allow', 'allowed'],
    ['a refusal by policy', { sub: 'carol' }, 'deny', 'no-policy-permits'],
    ['a refusal of the token', { sub: 'alice', aud: 'another' }, 'deny', 'wrong-audience'],
  ] as const)('each request is counted once: %s', async (_name, claims, decision, reason) => {
    const labels = `decision="${decision}",reason="${reason}",tier="internal",credential="bearer"`
    const bearer = await stack.mint(claims)
    const before = await stack.metrics()
    await stack.sendAs(bearer, CLUSTERS)
    await stack.sendAs(bearer, CLUSTERS)

    const grown = async (name: string): Promise<number> =>
      ((await stack.metrics()).get(name) ?? 0) - (before.get(name) ?? 0)
    expect(await grown(`brickgate_decisions_total{${labels}}`)).toBe(2)
    expect(await grown('brickgate_audit_records_total')).toBe(2)
    const seconds = `brickgate_decision_duration_seconds_count{decision="${decision}"}`
    expect(await grown(seconds)).toBe(2)
  })
})

describe('labels come from closed tables', () => {
  it('an issuer that no token proved is `unknown`', async () => {
    const iss = `https://${randomUUID()}.example.com`
    const forged = [
      await stack.mint({ sub: 'alice', iss }),
      await stack.mint({ sub: 'alice', iss: `${iss}"} 1\nfake{a="` }),
      await stack.mint({ sub: 'alice', __header: { alg: 'none' } }),
      'a.b.c',
    ]
    const before = await unknownIssuers()
    for (const token of forged) expect((await stack.sendAs(token, CLUSTERS)).status).toBe(401)

    expect(await unknownIssuers()).toBe(before + forged.length)
    expect((await stack.admin('/metrics')).body).not.toContain('example.com')
  })

  it('nothing that a client chooses is a label', async () => {
    const mark = randomUUID()
    const token = await stack.mint({ sub: mark, client_id: mark, groups: [mark], jti: mark })
    await stack.sendAs(token, `/api/2.0/${mark}?${mark}`, { headers: { 'user-agent': mark } })
    await stack.sendAs(mark, CLUSTERS, { method: 'DELETE' })
    expect((await stack.admin('/metrics')).body).not.toContain(mark)
  })
})

it('gauges of several processes are joined as they declare, not added up', async () => {
  const metrics = await stack.metrics()
  expect(metrics.get('brickgate_redis_up')).toBe(1)
  expect(metrics.get('brickgate_workers{state="configured"}')).toBe(3)
  expect(metrics.get('brickgate_workers{state="ready"}')).toBe(3)
  const age = metrics.get('brickgate_jwks_age_seconds{issuer="demo"}')
  expect(age).toBeGreaterThanOrEqual(0)
  expect(age).toBeLessThan(5)
  const info = [...metrics].filter(([sample]) => sample.startsWith('brickgate_build_info'))
  expect(info.map(([, value]) => value)).toEqual([1])
})

async function unknownIssuers(): Promise<number> {
  const samples = [...(await stack.metrics())]
  const prefix = 'brickgate_token_verifications_total{issuer="unknown"'
  return samples
    .filter(([sample]) => sample.startsWith(prefix))
    .reduce((sum, [, value]) => sum + value, 0)
}
