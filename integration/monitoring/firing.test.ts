import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { redisCli } from '../harness/commands.ts'
import { start, stop, workersOf } from '../harness/processes.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { shippedAlerts } from './alert-rules.ts'
import { type ActiveAlert, hastened, type Prometheus, startPrometheus } from './prometheus.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const WITHIN = { timeout: 25_000, interval: 250 }
/** Some 4,000 records fill the memory for those that wait. */
const FILLED_WITHIN = { timeout: 90_000, interval: 250 }

let stack: StackClient
let prometheus: Prometheus

beforeAll(async () => {
  // No byte fits on this disk: what was recorded waits, until there is no room for it either.
  const runtime = { directory: 'sockets', proof_file: 'secrets/proof', workers: 1 }
  stack = stackClient(await startStack({ config: { runtime, audit: { file: '/dev/full' } } }))
  prometheus = await startPrometheus(stack.info)
})

afterAll(async () => {
  await prometheus.stop()
  stack.close()
  await stopStack(stack.info)
})

/** The shipped rules, windows and waits shortened (`hastened`), in a real Prometheus. */
describe('alerts fire for what they are for', () => {
  it('no alert fires while all is well', async () => {
    await stack.sendAs(await stack.mint({ sub: 'alice', groups: ['analysts'] }), CLUSTERS)
    await expect
      .poll(async () => (await prometheus.query('up{job=~"brickgate-.+"} == 1')).length, WITHIN)
      .toBe(3)
    await expect.poll(health, WITHIN).toEqual(new Set(['ok']))
    await expect.poll(() => prometheus.alerts(), WITHIN).toEqual([])
  })

  it('BrickgateRefusalSpike: forged tokens, of which there were none before', async () => {
    await expect
      .poll(async () => {
        await sendForged(20)
        return firing('BrickgateRefusalSpike')
      }, WITHIN)
      .toMatchObject([{ labels: { reason: 'malformed-token', severity: 'warning' } }])
  })

  it('BrickgateAuditDropped: the disk of the audit log is full', async () => {
    expect(await firing('BrickgateAuditDropped')).toEqual([]) // the lines so far wait in memory
    // as long as a record gets: paths and user agents are cut at 512 characters
    const path = `/${'a'.repeat(600)}`
    const userAgent = Buffer.from('€'.repeat(600)).toString('latin1')
    await expect
      .poll(async () => {
        await sendForged(500, path, { 'user-agent': userAgent })
        return firing('BrickgateAuditDropped')
      }, FILLED_WITHIN)
      .toMatchObject([{ labels: { severity: 'critical' } }])
  })

  it('BrickgateWorkerRestarts: workers are killed, and come back', async () => {
    for (let times = 0; times < 3; times++) {
      const [victim] = await expect
        .poll(() => workersOf(stack.info, 'authorizer'), WITHIN)
        .toHaveLength(1)
        .then(() => workersOf(stack.info, 'authorizer'))
      if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    await expect
      .poll(() => firing('BrickgateWorkerRestarts'), WITHIN)
      .toMatchObject([{ labels: { role: 'authorizer', severity: 'warning' } }])
  })

  it('BrickgateStateLost: Redis is emptied; it ends when an operator accepts the loss', async () => {
    await redisCli(stack.info, 'FLUSHALL')
    await expect
      .poll(() => firing('BrickgateStateLost'), WITHIN)
      .toMatchObject([{ labels: { severity: 'critical' } }])
    await redisCli(stack.info, 'SET', 'bg:state', JSON.stringify({ id: 'accepted', since: 0 }))
    await expect.poll(() => firing('BrickgateStateLost'), WITHIN).toEqual([])
  })

  it('BrickgateRedisDown and BrickgateStateStale: Redis is stopped; they end with it', async () => {
    await stop(stack.info, 'redis')
    await expect
      .poll(() => firing('BrickgateRedisDown'), WITHIN)
      .toMatchObject([{ labels: { severity: 'critical' } }])
    await expect
      .poll(() => firing('BrickgateStateStale'), WITHIN)
      .toMatchObject([{ labels: { severity: 'critical' } }])
    await start(stack.info, 'redis')
    await expect.poll(() => firing('BrickgateRedisDown'), WITHIN).toEqual([])
    await expect.poll(() => firing('BrickgateStateStale'), WITHIN).toEqual([])
  })

  it('alerts fire with the annotations that are shipped', async () => {
    const [alert] = await firing('BrickgateWorkerRestarts')
    expect(alert?.annotations['runbook_url']).toBe('docs/runbook.md#brickgateworkerrestarts')
    expect(alert?.annotations['summary']).toContain(stack.info.config.admin.listen)
  })
})

it('nothing but windows and waits is shortened', () => {
  const rule = [
    'expr: sum(rate(a_total[5m])) > 0.5 and b{c="[5m]"} offset 10m',
    '        for: 2m',
  ].join('\n')
  expect(hastened(rule)).toContain('rate(a_total[10s])) > 0.5')
  expect(hastened(rule)).toContain('offset 15s')
  expect(hastened(rule)).toContain('for: 1s')
  expect(shippedAlerts().map(({ expr }) => hastened(expr).replace(/\d+s\b/g, ''))).toEqual(
    shippedAlerts().map(({ expr }) => expr.replace(/(?<=\[|offset )(?:5|10|15)m\b/g, '')),
  )
})

async function firing(name: string): Promise<readonly ActiveAlert[]> {
  const alerts = await prometheus.alerts()
  return alerts.filter(({ state, labels }) => state === 'firing' && labels['alertname'] === name)
}

async function health(): Promise<ReadonlySet<string>> {
  return new Set((await prometheus.health()).map(({ health }) => health))
}

async function sendForged(
  count: number,
  path = CLUSTERS,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (let sent = 0; sent < count; sent += 10) {
    const ten = Array.from({ length: 10 }, () => stack.sendAs('no.jwt.this', path, { headers }))
    for (const { status } of await Promise.all(ten)) expect(status).toBe(401)
  }
}
