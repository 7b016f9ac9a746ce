import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { send } from '../harness/answer.ts'
import { accessLines, type StackClient, stackClient } from '../harness/client.ts'
import {
  auditedRefusal,
  ensureServes,
  type Refusal,
  readRefusal,
  unauthorized,
} from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'

const PATH = '/api/2.1/clusters/list'
const KIB = 1024
const TOO_LARGE: Refusal = {
  status: 431,
  errorCode: 'REQUEST_TOO_LARGE',
  challenge: null,
  hasRetryAfter: false,
}

let stack: StackClient
let good: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  good = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterEach(() => ensureServes(stack, good))

afterAll(() => stack.close())

describe.each(sharedStack().edges)('lighttpd $version', (edge) => {
  it('lighttpd passes a token of 30 KB to the workspace', async () => {
    const token = await tokenOf(30 * KIB)
    expect(token.length).toBeGreaterThan(30_000)

    const answer = await sendWith({ authorization: `Bearer ${token}` })

    expect(answer.status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${token}`])
    const audit = await stack.auditOf(requestIdOf(request))
    expect(audit).toMatchObject({ reason: 'allowed', subject: 'demo|alice' })
  })

  it('lighttpd passes a token that Basic makes 30 KB long', async () => {
    const token = await tokenOf(22 * KIB)
    const authorization = `Basic ${Buffer.from(`token:${token}`).toString('base64')}`

    expect((await sendWith({ authorization })).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${token}`])
  })

  it('lighttpd refuses a token of 64 KB, and headers of 70 KB, with 431 and a line of its access log', async () => {
    const before = refusedBySize().length
    const oversized = [
      { authorization: `Bearer ${'t'.repeat(64 * KIB)}` },
      { cookie: `__Host-brickgate=${'c'.repeat(64 * KIB)}` },
      { 'x-padding': 'p'.repeat(70 * KIB) },
      Object.fromEntries(padding(70)),
    ]
    for (const headers of oversized) {
      const answer = await sendWith({ authorization: `Bearer ${good}`, ...headers })
      expect(readRefusal(answer)).toEqual(TOO_LARGE)
    }
    expect(await stack.upstreamRequests()).toEqual([])
    // lighttpd writes its log some seconds late
    const line = { tier: 'internal', reason: 'headers-too-large', path: '-' }
    await expect
      .poll(() => refusedBySize().slice(before), { timeout: 15_000 })
      .toMatchObject(oversized.map(() => line))
  })

  it('lighttpd refuses a token of 30 KB that says nothing, like a short one', async () => {
    const answer = await sendWith({ authorization: `Bearer ${'t'.repeat(30 * KIB)}` })
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('malformed-token'))
  })

  function sendWith(headers: Readonly<Record<string, string>>) {
    return send(stack.listener('internal', edge), PATH, { headers })
  }
})

function refusedBySize() {
  return accessLines(stack.info).filter(({ status }) => status === 431)
}

/** A valid token of about so many characters, made large by a claim. */
function tokenOf(length: number): Promise<string> {
  const claim = 'x'.repeat(Math.floor(((length - good.length) * 3) / 4))
  return stack.mint({ sub: 'alice', groups: ['analysts'], padding: claim })
}

function padding(count: number): readonly (readonly [string, string])[] {
  return Array.from({ length: count }, (_, at) => [`x-padding-${at}`, 'p'.repeat(KIB)] as const)
}
