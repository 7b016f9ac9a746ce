import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { ConnectionStats } from '../../demo/databricks/connections.ts'
import { createSimulator } from '../../demo/databricks/simulator.ts'
import {
  type SimulatorFixture,
  startSimulator,
  WORKSPACE,
} from '../../demo/databricks/simulator-fixture.ts'
import { macOfAllow } from '../../sidecar/src/config/proof.ts'
import type { Answer } from '../harness/answer.ts'
import { type Egress, startEgress } from '../harness/egress.ts'
import { valuesOf } from '../harness/upstream.ts'
import { type CertificateWishes, type IssuedCertificate, issueCertificate } from './certificates.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const TOKEN = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.'
const PROOF = randomBytes(32).toString('hex')
const PREVIOUS = randomBytes(32).toString('hex')
const AUTHORIZED = { 'x-brickgate-proof': PROOF, authorization: `Bearer ${TOKEN}` }

let directory: string
let workspace: SimulatorFixture
let egress: Egress

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'brickgate-egress-test-'))
  writeFileSync(join(directory, 'proof'), `${PROOF}\n${PREVIOUS}\n`)
  workspace = await startSimulator()
  writeFileSync(join(directory, 'ca.pem'), workspace.tls.ca)
  egress = await startEgress(settings(workspace.simulator.url, join(directory, 'ca.pem')))
})

beforeEach(() => workspace.simulator.log.clear())

afterAll(async () => {
  await egress.stop()
  await workspace.close()
  rmSync(directory, { recursive: true })
})

function settings(url: string, ca: string): Record<string, string> {
  return {
    BRICKGATE_PROOF_FILE: join(directory, 'proof'),
    BRICKGATE_WORKSPACE_HOST: WORKSPACE,
    BRICKGATE_WORKSPACE_ADDRESS: new URL(url).host,
    BRICKGATE_WORKSPACE_CA: ca,
    BRICKGATE_UPSTREAM_MAX_CONNECTIONS: '8',
  }
}

function expectComeAgain(answer: Answer): void {
  expect(answer.status).toBe(503)
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '5' })
  expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
}

describe('a request passes with a proof of the file, which it loses:', () => {
  it.each([
    ['the current one', PROOF],
    ['the previous one', PREVIOUS],
  ])('a request passes with a proof of the file, which it loses: %s', async (_name, proof) => {
    const answer = await egress.send(CLUSTERS, {
      headers: { ...AUTHORIZED, 'x-brickgate-proof': proof },
    })
    expect(answer.status).toBe(200)
    expect(workspace.simulator.log.list()).toHaveLength(1)
    expect(valuesOf(workspace.newest(), 'x-brickgate-proof')).toEqual([])
    expect(JSON.stringify(workspace.newest())).not.toContain(proof)
  })
})

describe('a request is refused with', () => {
  it.each([
    ['no proof', {}],
    ['an empty proof', { 'x-brickgate-proof': '' }],
    ['a wrong proof', { 'x-brickgate-proof': 'c'.repeat(64) }],
    ['a short proof', { 'x-brickgate-proof': PROOF.slice(0, 63) }],
    ['a prefix of the proof', { 'x-brickgate-proof': PROOF.slice(0, 8) }],
    ['a long proof', { 'x-brickgate-proof': `${PROOF}0` }],
    ['a proof in upper case', { 'x-brickgate-proof': PROOF.toUpperCase() }],
    ['a quoted proof', { 'x-brickgate-proof': `"${PROOF}"` }],
    ['the proof twice', { 'x-brickgate-proof': [PROOF, PROOF] }],
    ['a wrong proof before the right one', { 'x-brickgate-proof': ['x', PROOF] }],
    ['a wrong proof after the right one', { 'x-brickgate-proof': [PROOF, 'x'] }],
    ['an empty proof and the right one', { 'x-brickgate-proof': ['', PROOF] }],
    ['both proofs, with a comma', { 'x-brickgate-proof': `${PROOF},${PREVIOUS}` }],
    ['the proof and a comma', { 'x-brickgate-proof': `${PROOF},` }],
    ['the proof in a header of another spelling', { x_brickgate_proof: PROOF }],
    ['the HMAC of an allow', { 'x-brickgate-proof': macOfAllow(PROOF) }],
    ['the proof as a parameter', { cookie: `x-brickgate-proof=${PROOF}` }],
  ])('a request is refused with %s', async (_name, headers) => {
    const answer = await egress.send(CLUSTERS, {
      headers: { authorization: AUTHORIZED.authorization, ...headers },
    })
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'PERMISSION_DENIED' })
    expect(workspace.simulator.log.list()).toEqual([])
  })
})

describe('Host and SNI are those of the workspace when the client asks for', () => {
  it.each([
    ['another host', CLUSTERS, { host: 'evil.example' }],
    ['another host and port', CLUSTERS, { host: 'evil.example:8443' }],
    ['no host', CLUSTERS, { host: '' }],
    ['another forwarded host', CLUSTERS, { 'x-forwarded-host': 'evil.example' }],
    ['another host in the target', `http://evil.example${CLUSTERS}`, { host: 'evil.example' }],
  ])(
    'Host and SNI are those of the workspace when the client asks for %s',
    async (_name, target, headers) => {
      await egress.send(target, { headers: { ...AUTHORIZED, ...headers } })
      expect(workspace.simulator.log.list()).toHaveLength(1)
      expect(valuesOf(workspace.newest(), 'host')).toEqual([WORKSPACE])
      expect(workspace.newest().serverName).toBe(WORKSPACE)
    },
  )
})

describe('when the workspace closes without an answer', () => {
  beforeEach(() =>
    workspace.control('POST', 'behaviour', { path: CLUSTERS, reset: true, times: 1 }),
  )

  it.each(['GET', 'HEAD'])(
    'when the workspace closes without an answer, %s is sent again',
    async (method) => {
      const answer = await egress.send(CLUSTERS, { method, headers: AUTHORIZED })
      expect(answer.status).toBe(method === 'GET' ? 200 : 404)
      expect(workspace.simulator.log.list()).toHaveLength(2)
    },
  )

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'when the workspace closes without an answer, %s is not sent again',
    async (method) => {
      const answer = await egress.send(CLUSTERS, { method, headers: AUTHORIZED, body: '{}' })
      expect(answer.status).toBe(502)
      expect(answer.headers['retry-after']).toBeUndefined()
      expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
      expect(workspace.simulator.log.list()).toHaveLength(1)
    },
  )
})

describe('the certificate of the workspace', () => {
  /** Sends a request to a workspace with this certificate. */
  async function outcomeOf(
    issued: IssuedCertificate,
    ca: string,
  ): Promise<{ readonly answer: Answer; readonly received: number; readonly failed: number }> {
    const simulator = await createSimulator({
      cert: readFileSync(issued.cert, 'utf8'),
      key: readFileSync(issued.key, 'utf8'),
      port: 0,
      controlPort: 0,
      workspaceId: '1',
      accepted: { personalAccessToken: null, trustedIssuer: null },
    })
    onTestFinished(() => simulator.close())
    const own = await startEgress(settings(simulator.url, ca))
    onTestFinished(() => own.stop())
    const answer = await own.send(CLUSTERS, { headers: AUTHORIZED })
    const stats = await fetch(`${simulator.controlUrl}/__sim/connections`)
    const { failedHandshakes, malformedRequests } = (await stats.json()) as ConnectionStats
    const received = simulator.log.list().length + malformedRequests
    return { answer, received, failed: failedHandshakes }
  }

  it('the certificate of the workspace is accepted when it has the name, the authority and the dates that it must have', async () => {
    const issued = await issueCertificate(directory, { name: WORKSPACE })
    const { answer, received } = await outcomeOf(issued, issued.ca)
    expect(answer.status).toBe(200)
    expect(received).toBe(1)
  })

  it.each<[string, CertificateWishes]>([
    ['has another name', { name: 'elsewhere.example' }],
    ['has the name below another', { name: `${WORKSPACE}.evil.example` }],
    ['has expired', { name: WORKSPACE, validDays: [-3, -1] }],
    ['is not valid yet', { name: WORKSPACE, validDays: [1, 3] }],
  ])(
    'the certificate of the workspace ends the request before it is sent when it %s',
    async (_name, wishes) => {
      const issued = await issueCertificate(directory, wishes)
      const { answer, received, failed } = await outcomeOf(issued, issued.ca)
      expectComeAgain(answer)
      expect(received).toBe(0)
      expect(failed).toBeGreaterThan(0)
    },
  )

  it.each([
    ['another authority', {}],
    ['itself', { isSelfSigned: true }],
  ])(
    'the certificate of the workspace ends the request before it is sent when it is signed by %s',
    async (_name, wishes) => {
      const issued = await issueCertificate(directory, { name: WORKSPACE, ...wishes })
      const other = await issueCertificate(directory, { name: WORKSPACE })
      const { answer, received, failed } = await outcomeOf(issued, other.ca)
      expectComeAgain(answer)
      expect(received).toBe(0)
      expect(failed).toBeGreaterThan(0)
    },
  )
})

it('the log of the egress has no secret', () => {
  for (const secret of [PROOF, PREVIOUS, TOKEN]) expect(egress.log()).not.toContain(secret)
})
