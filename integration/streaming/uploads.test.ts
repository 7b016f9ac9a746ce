import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hold } from '../harness/authorizer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { type RelayedGate, startRelayedGate } from '../harness/relayed-gate.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { answered, LARGE_BYTES, largeBody, open, sha256OfLarge } from './bodies.ts'
import { MIB, sidecarPids, watchGrowth } from './memory.ts'

const FILE = '/api/2.0/fs/files/Volumes/demo/uploaded'

let stack: StackClient
let engineer: string
let analyst: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
  analyst = await stack.mint({ sub: 'bob', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(testedLighttpds())('through lighttpd $version', (tested) => {
  let gate: RelayedGate

  beforeAll(async () => {
    gate = await startRelayedGate(stack.info, { tested })
  })

  beforeEach(() => {
    gate.authorizer.behave = gate.sendRequest
  })

  afterAll(() => gate.stop())

  const FRAMINGS = [
    ['with its length', { 'content-length': String(LARGE_BYTES) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ] as const

  async function upload(framing: Readonly<Record<string, string>>): Promise<void> {
    const headers = { authorization: `Bearer ${engineer}`, ...framing }
    const sent = open(gate.listener(), FILE, { method: 'PUT', headers })
    const answer = answered(sent)
    await pipeline(largeBody(), sent)
    expect((await answer).statusCode).toBe(204)
  }

  it.each(FRAMINGS)(
    'through lighttpd, 100 MB %s arrive whole three times, and nothing of them is kept',
    async (_name, framing) => {
      const growth = await watchGrowth(
        [gate.pid, ...sidecarPids(stack.info)],
        gate.spool,
        async () => {
          for (let round = 0; round < 3; round += 1) await upload(framing)
        },
      )
      const bodies = (await stack.upstreamRequests()).map(({ body }) => body)
      const whole = { bytes: LARGE_BYTES, sha256: sha256OfLarge(), state: 'complete' }
      expect(bodies).toMatchObject([whole, whole, whole])
      expect(growth.residentBytes).toBeLessThan(32 * MIB)
      expect(growth.spooledBytes).toBeLessThan(32 * MIB)
    },
  )

  it.each(FRAMINGS)(
    'through lighttpd, nothing of 100 MB %s reaches the workspace before the allow',
    async (_name, framing) => {
      const held = hold(gate.sendRequest)
      gate.authorizer.behave = held.behave
      const asked = gate.authorizer.asked
      const uploading = upload(framing)
      await expect.poll(() => gate.authorizer.asked, { timeout: 10_000 }).toBe(asked + 1)
      await pause(1000) // while the client goes on sending
      expect(await stack.upstreamRequests()).toEqual([])
      const allowedAtMs = Date.now()
      held.release()
      await uploading
      const [request] = await stack.upstreamRequests()
      expect(request?.receivedAtMs).toBeGreaterThanOrEqual(allowedAtMs)
      expect(request?.body).toMatchObject({ bytes: LARGE_BYTES, sha256: sha256OfLarge() })
    },
  )

  it.each(FRAMINGS)(
    'through lighttpd, nothing of 100 MB %s reaches the workspace after a refusal',
    async (_name, framing) => {
      const headers = { authorization: `Bearer ${analyst}`, ...framing }
      const sent = open(gate.listener(), FILE, { method: 'PUT', headers })
      const answer = answered(sent)
      await pipeline(largeBody(), sent).catch(() => undefined) // the gateway closes before its end
      expect((await answer).statusCode).toBe(403)
      expect(await stack.upstreamRequests()).toEqual([])
    },
  )
})
