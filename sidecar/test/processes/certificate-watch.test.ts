import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { createPrimaryMetrics } from '../../src/observe/metrics.ts'
import { lookAtCertificates } from '../../src/processes/certificate-watch.ts'
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
  const ends = await look({})
  expect([...ends.keys()].sort()).toEqual(['external', 'internal', 'workspace'])
  for (const end of ends.values()) {
    expect(end - Date.now() / 1000).toBeGreaterThan(TWO_DAYS_S - 120)
    expect(end - Date.now() / 1000).toBeLessThan(TWO_DAYS_S + 1)
  }
})

it('tells the first end in a chain', async () => {
  const authority = await selfSigned('authority', 1)
  const chain = `${tier.certFile}.chain`
  writeFileSync(chain, tier.certificate + authority.certificate)
  await authority.remove()
  const end = (await look({ certificate: chain })).get('internal') ?? 0
  expect(end - Date.now() / 1000).toBeLessThan(TWO_DAYS_S / 2 + 1)
})

it('tells of a certificate that is for another name, too: it is not what is judged here', async () => {
  expect((await look({ host: 'other.example.com' })).has('workspace')).toBe(true)
})

it('a workspace that is not there, or never answers, has no sample', async () => {
  expect((await look({ address: '127.0.0.1:1' })).has('workspace')).toBe(false)
  const silent = createPlainServer((socket) => socket.resume())
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${Object(silent.address()).port}`
  expect((await look({ address })).has('workspace')).toBe(false)
  silent.close()
})

it('a file without a certificate has no sample any more', async () => {
  expect((await look({ certificate: tier.keyFile })).has('internal')).toBe(false)
})

interface Changes {
  readonly certificate?: string
  readonly host?: string
  readonly address?: string
}

/** @returns by certificate its end in epoch seconds */
async function look(changes: Changes): Promise<ReadonlyMap<string, number>> {
  const { certificate = tier.certFile, host = 'localhost' } = changes
  const { address = `127.0.0.1:${port}` } = changes
  const external = { tls: { certificate: tier.certFile } }
  const config = {
    tiers: { internal: { tls: { certificate } }, external },
    workspace: { host, address },
  }
  const metrics = createPrimaryMetrics('1.2.3')
  metrics.certificateExpiry.set({ certificate: 'internal' }, 1) // of an earlier look
  await lookAtCertificates(config as unknown as Config, metrics)
  const page = await metrics.registry.metrics()
  const samples = page.matchAll(/^brickgate_certificate_\w+\{certificate="(\w+)"\} (\S+)$/gm)
  return new Map([...samples].map(([, name = '', value]) => [name, Number(value)]))
}
