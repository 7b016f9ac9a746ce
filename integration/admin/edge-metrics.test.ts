import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { edgeSettings } from '../../sidecar/src/cli/settings.ts'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { run } from '../harness/commands.ts'
import { startEgress } from '../harness/egress.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'

let stack: StackClient
let token: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

afterAll(() => stack.close())

describe.each([
  ['lighttpd', 'lighttpd_listen'],
  ['the egress', 'egress_listen'],
] as const)('the admin listener of %s', (_name, setting) => {
  const address = (): string => stack.info.config.admin[setting]

  it.each([
    '/',
    '/metrics/',
    '//metrics',
    CLUSTERS,
    '/_brickgate/version',
    '//brickgate-authorized',
    '//brickgate-check',
  ])('an admin listener of the edge has no page %s, and leads nowhere', async (path) => {
    await stack.forgetUpstreamRequests()
    const headers = { authorization: `Bearer ${token}` }
    const { status } = await fetch(`http://${address()}${path}`, { headers })
    expect([400, 404]).toContain(status)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('an admin listener of the edge is on loopback', () =>
    expect(address()).toMatch(/^127\.0\.0\.1:\d+$/))

  it('an admin listener of the edge is not what a client of the gateway gets for /metrics', async () => {
    const body = (await stack.sendAs(token, '/metrics')).body
    expect(body).not.toMatch(/^# TYPE/m)
  })
})

it('the egress tells how the workspace is', async () => {
  await stack.sendAs(token, CLUSTERS)
  const page = await pageOf(stack.info.config.admin.egress_listen)
  for (const metric of [
    'haproxy_backend_http_responses_total{proxy="workspace",code="2xx"}',
    'haproxy_backend_connection_errors_total{proxy="workspace"}',
    'haproxy_backend_current_queue{proxy="workspace"}',
    'haproxy_backend_response_time_average_seconds{proxy="workspace"}',
  ]) {
    expect(page).toContain(metric)
  }
})

describe('the probe of the workspace', () => {
  const PROBE = { timeout: 25_000, interval: 250 }
  const probed = async (address: string): Promise<number> => {
    const up = /^haproxy_server_status\{proxy="probe",server="workspace",state="UP"\} (\d)$/m
    return Number(up.exec(await pageOf(address))?.[1])
  }

  it('the probe shows that the workspace is there', async () => {
    await expect.poll(() => probed(stack.info.config.admin.egress_listen), PROBE).toBe(1)
  })

  it.each([
    ['has another name', { BRICKGATE_WORKSPACE_HOST: 'other.example.com' }],
    ['is not trusted', { BRICKGATE_WORKSPACE_CA: '/etc/ssl/certs/ca-certificates.crt' }],
    ['is not there', { BRICKGATE_WORKSPACE_ADDRESS: '127.0.0.1:1' }],
  ])('the probe shows a workspace that %s', async (_name, settings) => {
    const { BRICKGATE_RUN_DIR: _, ...shipped } = edgeSettings(stack.info.config, HOME, '')
    const address = `127.0.0.1:${await freePort()}`
    const own = { ...shipped, BRICKGATE_EGRESS_ADMIN_LISTEN: address, ...settings }
    const egress = await startEgress(own)
    onTestFinished(() => egress.stop())
    await expect.poll(() => probed(address), PROBE).toBe(0)
  })
})

describe.each(testedLighttpds())('lighttpd $version', (tested) => {
  let gate: Gate

  beforeAll(async () => {
    gate = await startGate(stack.info, { tested }) // with no sidecar behind it
  })

  afterAll(() => gate.stop())

  it('lighttpd counts what no sidecar ever saw, by reason', async () => {
    const mark = randomUUID()
    for (const path of [CLUSTERS, `/${mark}`]) {
      expect((await send(gate.listener(), path)).status).toBe(503)
    }
    await send(gate.listener('external'), '/a%2f..%2fb')

    const page = await pageOf(gate.adminAddress)
    expect(samplesOf(page)).toMatchObject({
      'brickgate_edge_responses_total{tier="internal",by="lighttpd",status="503"}': 2,
      'brickgate_edge_refusals_total{reason="authorizer-unavailable"}': 2,
      brickgate_edge_connections: expect.any(Number),
    })
    expect(page).toMatch(/edge_responses_total\{.*status="4xx"\} 1$/m)
    expect(page).not.toContain(mark)
    expect(await run('promtool', ['check', 'metrics'], page)).toMatchObject({ code: 0, stderr: '' })
  })
})

it('an allow and a refusal of the sidecar are counted as theirs', async () => {
  const before = await edge()
  await stack.sendAs(token, CLUSTERS)
  await stack.send(CLUSTERS)
  await stack.sendAs(token, '/_brickgate/version')
  const after = await edge()
  const grown = (by: string, status: string): number => {
    const name = `brickgate_edge_responses_total{tier="internal",by="${by}",status="${status}"}`
    return (after[name] ?? 0) - (before[name] ?? 0)
  }
  expect(grown('egress', '2xx')).toBe(1)
  expect(grown('authorizer', '4xx')).toBe(1)
  expect(grown('responder', '2xx')).toBe(1)
})

async function edge(): Promise<Readonly<Record<string, number>>> {
  return samplesOf(await pageOf(stack.info.config.admin.lighttpd_listen))
}

async function pageOf(address: string): Promise<string> {
  const response = await fetch(`http://${address}/metrics`)
  expect(response.status).toBe(200)
  return response.text()
}

function samplesOf(page: string): Record<string, number> {
  const pairs = [...page.matchAll(/^(brickgate_\S+) (\S+)$/gm)]
  return Object.fromEntries(pairs.map(([, name = '', value]) => [name, Number(value)]))
}
