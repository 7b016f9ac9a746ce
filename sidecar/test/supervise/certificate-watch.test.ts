import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { createPrimaryMetrics } from '../../src/observe/metrics.ts'
import { lookAtCertificates } from '../../src/supervise/certificate-watch.ts'
import { type SelfSigned, selfSigned } from '../support/self-signed.ts'

const TWO_DAYS_S = 2 * 86_400

let workspace: SelfSigned
let tier: SelfSigned
let server: Server
let port: number

beforeAll(async () => {
  ;[workspace, tier] = await Promise.all([selfSigned('localhost'), selfSigned('gateway')])
  const key = readFileSync(workspace.keyFile)
  server = createServer({ cert: workspace.certificate, key }, (socket) => socket.resume())
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  port = Object(server.address()).port
})

afterAll(async () => {
  server.close()
  await Promise.all([workspace.remove(), tier.remove()])
})

it('tells when the certificates of the tiers and of the workspace end', async () => {
  const samples = await look({})
  for (const certificate of ['internal', 'external', 'workspace']) {
    const name = `brickgate_certificate_expiry_timestamp_seconds{certificate="${certificate}"}`
    const leftSeconds = (samples.get(name) ?? 0) - Date.now() / 1000
    expect(leftSeconds).toBeGreaterThan(TWO_DAYS_S - 120)
    expect(leftSeconds).toBeLessThan(TWO_DAYS_S + 1)
  }
  expect(samples.get('brickgate_workspace_up')).toBe(1)
})

it('tells the first end in a chain', async () => {
  const authority = await selfSigned('authority', 1)
  const chain = `${tier.certFile}.chain`
  writeFileSync(chain, tier.certificate + authority.certificate)
  await authority.remove()
  const samples = await look({ certificate: chain })
  const name = 'brickgate_certificate_expiry_timestamp_seconds{certificate="internal"}'
  expect((samples.get(name) ?? 0) - Date.now() / 1000).toBeLessThan(TWO_DAYS_S / 2 + 1)
})

it.each([
  ['is not trusted', () => ({ ca: tier.certFile }), true],
  ['has another name', () => ({ host: 'other.example.com' }), true],
  ['is not there', () => ({ address: '127.0.0.1:1' }), false],
  ['cannot be judged, its authorities are not there', () => ({ ca: '/nonexistent' }), false],
] as const)('a workspace that %s is not up', async (_name, change, isSeen) => {
  const samples = await look(change())
  expect(samples.get('brickgate_workspace_up')).toBe(0)
  const name = 'brickgate_certificate_expiry_timestamp_seconds{certificate="workspace"}'
  expect(samples.has(name)).toBe(isSeen)
})

it('a file without a certificate has no sample any more', async () => {
  const samples = await look({ certificate: tier.keyFile })
  expect([...samples.keys()].filter((name) => name.includes('internal'))).toEqual([])
})

interface Changes {
  readonly certificate?: string
  readonly host?: string
  readonly address?: string
  readonly ca?: string
}

async function look(changes: Changes): Promise<ReadonlyMap<string, number>> {
  const { certificate = tier.certFile, host = 'localhost' } = changes
  const config = {
    tiers: {
      internal: { tls: { certificate } },
      external: { tls: { certificate: tier.certFile } },
    },
    workspace: {
      host,
      address: changes.address ?? `127.0.0.1:${port}`,
      ca_file: changes.ca ?? workspace.certFile,
    },
  }
  const metrics = createPrimaryMetrics('1.2.3')
  metrics.certificateExpiry.set({ certificate: 'internal' }, 1) // of an earlier look
  await lookAtCertificates(config as unknown as Config, metrics)
  const page = await metrics.registry.metrics()
  const samples = page.matchAll(/^(brickgate_(?:certificate|workspace)\S+) (\S+)$/gm)
  return new Map([...samples].map(([, name = '', value]) => [name, Number(value)]))
}
