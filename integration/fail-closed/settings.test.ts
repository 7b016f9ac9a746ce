import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { edgeSettings } from '../../sidecar/src/cli/settings.ts'
import { type Answer, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { type Settings, startEgress } from '../harness/egress.ts'
import { startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { readRefusal } from '../harness/refusals.ts'
import { type RelayedGate, startRelayedGate } from '../harness/relayed-gate.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'

let stack: StackClient
let alice: string
let proofFile: string
let rightProof: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  proofFile = join(stack.info.demo.directory, 'secrets/test-proof')
  rightProof = readFileSync(stack.info.config.runtime.proof_file, 'utf8').trim()
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => {
  rmSync(proofFile, { force: true })
  stack.close()
})

/** Makes of the right proof what stands in a proof file; null is no file. */
type ProofFile = (proof: string) => string | null

const BAD_PROOF_FILES: readonly (readonly [name: string, text: ProofFile])[] = [
  ['missing', () => null],
  ['empty', () => ''],
  ['a blank line', () => '\n'],
  ['short', (proof) => `${proof.slice(0, 63)}\n`],
  ['long', (proof) => `${proof}0\n`],
  ['in upper case', (proof) => `${proof.toUpperCase()}\n`],
  ['indented', (proof) => ` ${proof}\n`],
  ['of another line end', (proof) => `${proof}\r\n`],
  ['followed by NUL', (proof) => `${proof}\0\n`],
  ['garbage', () => '\xff\xfe garbage \0\n'],
  ['followed by a short line', (proof) => `${proof}\nabc\n`],
  ['followed by a blank line', (proof) => `${proof}\n\n`],
  ['three lines', (proof) => `${proof}\n${'1'.repeat(64)}\n${'2'.repeat(64)}\n`],
]

const BAD_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['HEADER_USER', ''],
  ['HEADER_USER', 'X User'],
  ['HEADER_EMAIL', 'X_Email'],
  ['HEADER_GROUPS', 'X-Groups:'],
  ['MAX_CONNECTIONS_PER_ADDRESS', '0'],
  ['MAX_CONNECTIONS_PER_ADDRESS', 'many'],
  ['INTERNAL_PUBLIC_URL', 'http://localhost'],
  ['INTERNAL_PUBLIC_URL', 'https://localhost/path'],
  ['EXTERNAL_PUBLIC_URL', ''],
]

/** `BRICKGATE_LIGHTTPD_DIR` is left out: whoever starts lighttpd needs it to name the file. */
const OF_LIGHTTPD = [
  ...['RUN_DIR', 'SPOOL_DIR', 'LOG_DIR', 'PROOF_FILE'],
  ...['INTERNAL_LISTEN', 'EXTERNAL_LISTEN', 'REDIRECT_LISTEN', 'LIGHTTPD_ADMIN_LISTEN'],
  ...['INTERNAL_PUBLIC_URL', 'EXTERNAL_PUBLIC_URL'],
  ...['INTERNAL_TLS_CERT', 'INTERNAL_TLS_KEY', 'EXTERNAL_TLS_CERT', 'EXTERNAL_TLS_KEY'],
  ...['MAX_CONNECTIONS', 'MAX_CONNECTIONS_PER_ADDRESS', 'TRUSTED_PROXIES', 'PROXIES_MODE'],
  ...['HEADER_USER', 'HEADER_EMAIL', 'HEADER_GROUPS'],
]

const OF_EGRESS = [
  ...['RUN_DIR', 'PROOF_FILE', 'UPSTREAM_MAX_CONNECTIONS', 'EGRESS_DIR', 'TUNNEL_WINDOW_S'],
  ...['WORKSPACE_HOST', 'WORKSPACE_ADDRESS', 'WORKSPACE_CA', 'EGRESS_ADMIN_LISTEN'],
]

describe.each(testedLighttpds())('lighttpd $version', (tested) => {
  let gate: RelayedGate

  function sendRequest(path = CLUSTERS): Promise<Answer> {
    return send(gate.listener(), path, { headers: { authorization: `Bearer ${alice}` } })
  }

  async function expectNobodyIsServed(): Promise<void> {
    for (const path of [CLUSTERS, '/_brickgate/version']) {
      expect((await sendRequest(path)).status).toBe(500)
    }
    expect(gate.authorizer.asked).toBe(0)
    expect(await stack.upstreamRequests()).toEqual([])
  }

  describe('serves nobody while its proof is', () => {
    beforeAll(async () => {
      const environment = { BRICKGATE_PROOF_FILE: proofFile }
      gate = await startRelayedGate(stack.info, { tested, environment })
    })

    afterAll(() => gate.stop())

    it.each(BAD_PROOF_FILES)(
      'lighttpd serves nobody while its proof is %s',
      async (_name, textOf) => {
        const text = textOf(rightProof)
        rmSync(proofFile, { force: true })
        if (text !== null) writeFileSync(proofFile, text, 'latin1')
        await expectNobodyIsServed()
        expect(readRefusal(await sendRequest()).errorCode).toBe('INTERNAL_ERROR')
        expect(gate.log('lighttpd-error.log')).not.toContain(rightProof.slice(0, 16))
      },
    )

    it('lighttpd serves again without a restart once its proof is right', async () => {
      writeFileSync(proofFile, rightProof) // its last line needs no end
      expect((await sendRequest()).status).toBe(200)
    })
  })

  describe('serves nobody with', () => {
    it.each(BAD_SETTINGS)('lighttpd serves nobody with BRICKGATE_%s=%s', async (name, value) => {
      const environment = { [`BRICKGATE_${name}`]: value }
      gate = await startRelayedGate(stack.info, { tested, environment })
      await expectNobodyIsServed().finally(() => gate.stop())
    })
  })

  it.each(OF_LIGHTTPD)('lighttpd refuses to start without BRICKGATE_%s', async (name) => {
    const variable = `BRICKGATE_${name}`
    const starting = startGate(stack.info, { tested, environment: { [variable]: undefined } })
    expect(await refusalToStart(starting)).toContain(variable)
  })
})

describe('the egress', () => {
  /** The stack's, without the folder and the listener that are the egress's own. */
  function settings(): Settings {
    const all = edgeSettings(stack.info.config, HOME, '')
    const { BRICKGATE_RUN_DIR: _, BRICKGATE_EGRESS_ADMIN_LISTEN: __, ...others } = all
    return others
  }

  it.each(OF_EGRESS)('the egress refuses to start without BRICKGATE_%s', async (name) => {
    const variable = `BRICKGATE_${name}`
    const starting = startEgress({ ...settings(), [variable]: undefined })
    expect(await refusalToStart(starting)).toContain(variable)
  })

  it('the egress refuses to start without the file of the proof', async () => {
    const environment = { ...settings(), BRICKGATE_PROOF_FILE: '/nonexistent/proof' }
    expect(await refusalToStart(startEgress(environment))).toContain('/nonexistent/proof')
  })

  it.each([
    ['empty', ''],
    ['a blank line', '\n'],
    ['short', 'abc\n'],
    ['in upper case', `${randomBytes(32).toString('hex').toUpperCase()}\n`],
  ])('the egress lets nothing pass while its proof is %s', async (_name, text) => {
    writeFileSync(proofFile, text)
    const egress = await startEgress({ ...settings(), BRICKGATE_PROOF_FILE: proofFile })
    onTestFinished(() => egress.stop())
    for (const proof of [text.trim(), '', rightProof]) {
      const answer = await egress.send(CLUSTERS, { headers: { 'x-brickgate-proof': proof } })
      expect(answer.status).toBe(403)
    }
    expect(await stack.upstreamRequests()).toEqual([])
  })
})

/** Why something did not start; what did start is stopped again. */
async function refusalToStart(starting: Promise<{ stop(): Promise<void> }>): Promise<string> {
  try {
    await (await starting).stop()
    return 'it started'
  } catch (error) {
    return String(error)
  }
}
