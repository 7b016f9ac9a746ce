import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEMO_PORTS, prepareDemo } from '../../demo/demo.ts'
import { loadConfig } from '../../sidecar/src/config/load.ts'
import { PROOFS } from '../fail-closed/misbehaviours.ts'
import { serveAuthorizer, type TestAuthorizer } from '../harness/authorizer.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import type { StackInfo } from '../harness/stack.ts'

/** A request as an egress received it. */
export interface Received {
  readonly method: string
  readonly target: string
  /** `name: value` in lower case and alphabetical order */
  readonly fields: readonly string[]
}

/** A lighttpd with a gate, and a test in place of every part behind it. */
export interface GateFixture extends Gate {
  readonly internal: TestAuthorizer
  readonly external: TestAuthorizer
  readonly responder: TestAuthorizer
  readonly egress: {
    /** of the whole answer, after which the egress closes */
    answer: string
    received: Received[]
  }
  readonly proofFile: string
  /** expected reasons in the access log, a pattern by request id */
  readonly reasons: Map<string, string>
}

/** the external tier's public authority; the internal tier is on localhost */
export const EXTERNAL = 'gateway.example'
/** connections per address */
export const LIMIT = 8

/** The folder in which gates are started: certificates and settings, without any process. */
export interface GateFolder {
  readonly info: StackInfo
  readonly proofFile: string
  remove(): void
}

export async function prepareGateFolder(): Promise<GateFolder> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-mutants-'))
  const demo = await prepareDemo(directory, DEMO_PORTS)
  const checks = { policy: () => undefined, proof: () => undefined }
  const { config } = loadConfig(demo.configFile, process.env, checks)
  const proofFile = join(directory, 'secrets/test-proof')
  return {
    info: { demo, config, edges: [] },
    proofFile,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/**
 * @param mutate changes the copy of `lighttpd/` that is started
 * @throws {Error} when lighttpd does not start
 */
export async function startGateFixture(
  { info, proofFile }: GateFolder,
  mutate: (folder: string) => void,
): Promise<GateFixture> {
  writeFileSync(proofFile, `${PROOFS.join('\n')}\n`)
  const [tested] = testedLighttpds()
  if (tested === undefined) throw new Error('there is no lighttpd')
  const environment = {
    BRICKGATE_PROOF_FILE: proofFile,
    BRICKGATE_MAX_CONNECTIONS_PER_ADDRESS: String(LIMIT),
    BRICKGATE_EXTERNAL_PUBLIC_URL: `https://${EXTERNAL}`,
  }
  const gate = await startGate(info, { tested, environment, egress: 'none', mutate })
  const [internal, external, responder] = await Promise.all(
    ['authorizer-internal-0', 'authorizer-external-0', 'responder-0'].map((name) =>
      serveAuthorizer(gate.socket(name), 'resets'),
    ),
  )
  if (internal === undefined || external === undefined || responder === undefined) {
    throw new Error('an authorizer is missing')
  }
  const egress = await serveEgress(gate.socket('egress'))
  const servers = [internal, external, responder, egress]
  return {
    ...gate,
    ...{ internal, external, responder, egress, proofFile },
    reasons: new Map(),
    stop: async () => {
      await Promise.all(servers.map((server) => server.close()))
      await gate.stop()
    },
  }
}

type TestEgress = GateFixture['egress'] & { close(): Promise<void> }

async function serveEgress(path: string): Promise<TestEgress> {
  const egress: TestEgress = { answer: '', received: [], close }
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const [line = '', ...fields] = text.slice(0, end).split('\r\n')
      const [method = '', target = ''] = line.split(' ')
      const lower = fields.map((field) => field.replace(/^[^:]*/, (name) => name.toLowerCase()))
      egress.received.push({ method, target, fields: lower.sort() })
      text = ''
      socket.end(egress.answer, 'latin1')
    })
  })
  async function close(): Promise<void> {
    server.close()
    await once(server, 'close')
  }
  server.listen(path)
  await once(server, 'listening')
  return egress
}
