import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { serveAuthorizer, type TestAuthorizer } from '../harness/authorizer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import {
  ALLOWS,
  CURRENT_ALLOW_MAC,
  hangs,
  MISBEHAVIOURS,
  PREVIOUS_ALLOW_MAC,
  PROOFS,
  REFUSALS,
  replies,
} from './misbehaviours.ts'

const TARGET = '/api/2.1/clusters/list?cursor=not-for-the-logs'
const LOGGED_WITHIN_MS = 15_000

let stack: StackClient
let proofFile: string

beforeAll(() => {
  stack = stackClient(sharedStack())
  proofFile = join(stack.info.demo.directory, 'secrets/test-proof')
  writeFileSync(proofFile, `${PROOFS.join('\n')}\n`)
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => {
  rmSync(proofFile)
  stack.close()
})

describe.each(testedLighttpds())('with lighttpd $version', (tested) => {
  let gate: Gate
  let authorizer: TestAuthorizer
  const reasons = new Map<string, unknown>()

  beforeAll(async () => {
    const environment = { BRICKGATE_PROOF_FILE: proofFile }
    gate = await startGate(stack.info, { tested, environment, egress: 'own' })
    authorizer = await serveAuthorizer(gate.socket('authorizer-internal-0'), hangs)
  })

  afterAll(async () => {
    await authorizer.close()
    await gate.stop()
  })

  async function expectRefused(status: number, reason: string): Promise<Answer> {
    const answer = await send(gate.listener(), TARGET)
    const refusal = readRefusal(answer)
    expect(refusal.status).toBe(status)
    expect(refusal.hasRetryAfter).toBe(status === 503)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(await stack.upstreamRequests()).toEqual([])
    reasons.set(String(answer.headers['x-request-id']), expect.stringMatching(`^(${reason})$`))
    return answer
  }

  describe('nothing reaches the workspace when the authorizer answers', () => {
    it.each(MISBEHAVIOURS)(
      'nothing reaches the workspace when the authorizer answers %s',
      async (_name, behaviour, status, reason) => {
        authorizer.behave = behaviour
        await expectRefused(status, reason)
      },
    )

    it('nothing reaches the workspace when the authorizer answers nothing at all, and the client hears of it within 9 s', async () => {
      authorizer.behave = hangs
      const startedMs = performance.now()
      await expectRefused(503, 'authorizer-timeout')
      expect(performance.now() - startedMs).toBeLessThan(9000)
    })
  })

  it.each(ALLOWS)('an allow passes %s', async (_name, behaviour, user) => {
    authorizer.behave = behaviour
    const answer = await send(gate.listener(), TARGET)
    expect(answer.status).toBe(200)
    const requests = await stack.upstreamRequests()
    expect(requests.map((request) => request.target)).toEqual([TARGET])
    expect(valuesOf(requests[0], 'x-forwarded-user')).toEqual([user])
    for (const name of ['x-brickgate-proof', 'x-evil']) {
      expect(valuesOf(requests[0], name)).toEqual([])
    }
  })

  it.each(REFUSALS)('a native %i passes as it is', async (status, headers) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const body = '{"error_code":"X","message":"in the authorizer\'s words"}'
    authorizer.behave = replies(
      `Status: ${status}\r\nContent-Type: application/json\r\n${lines.join('')}\r\n${body}`,
    )
    const answer = await send(gate.listener(), TARGET)
    expect(answer).toMatchObject({ status, headers, body })
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('the access log has a line with its reason for each refusal', async () => {
    expect(reasons.size).toBe(MISBEHAVIOURS.length + 1)
    await expect
      .poll(() => gate.accessLines().length, { timeout: LOGGED_WITHIN_MS })
      .toBe(MISBEHAVIOURS.length + 1 + ALLOWS.length + REFUSALS.length)
    const found = gate.accessLines().map((line) => [line.request_id, line.reason])
    expect(Object.fromEntries(found)).toMatchObject(Object.fromEntries(reasons))
  })

  it('no log has the query or a proof', () => {
    const logs = gate.log('access.log') + gate.log('lighttpd-error.log') + gate.log('egress.log')
    for (const secret of ['not-for-the-logs', CURRENT_ALLOW_MAC, PREVIOUS_ALLOW_MAC, ...PROOFS]) {
      expect(logs.includes(secret)).toBe(false)
    }
  })
})
