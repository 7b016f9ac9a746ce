import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, ensureServes, unauthorized } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { kidOf } from './tokens.ts'

const PATH = '/api/2.1/clusters/list'
const ALICE = { sub: 'alice', groups: ['analysts'] }
/** `jwks.refresh_s` of the shared stack, and the time that a fetch and a slow machine may take */
const AGE_MS = 2000 + 1500
/** the next fetch, which proves that the key is gone for a token that comes within a cooldown */
const PROVEN_MS = AGE_MS + 2000

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe('a key that the provider withdraws', () => {
  it('a key that the provider withdraws verifies nothing after `jwks.refresh_s`, not even tokens that were verified before', async () => {
    const token = await stack.mint({ ...ALICE, __header: { alg: 'EdDSA' } })
    const before = await sendEverywhere(token)
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 200))

    await stack.idp('POST', 'keys/withdraw', { kid: kidOf(token) })
    await expect
      .poll(async () => statusesOf(await sendEverywhere(token)), {
        timeout: PROVEN_MS,
        interval: 50,
      })
      .toEqual([401])

    await stack.forgetUpstreamRequests()
    const answer = await stack.sendAs(token, PATH)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('unknown-key'))
  })

  it('a key that the provider withdraws leaves the other keys as they are', async () => {
    const other = await stack.mint(ALICE)
    const token = await stack.mint({ ...ALICE, __header: { alg: 'ES256' } })
    await ensureServes(stack, token)

    await stack.idp('POST', 'keys/withdraw', { kid: kidOf(token) })
    await expect
      .poll(async () => (await stack.sendAs(token, PATH)).status, { timeout: PROVEN_MS })
      .toBe(401)

    expect((await stack.sendAs(other, PATH)).status).toBe(200)
  })

  it('a key that the provider withdraws is followed by one that works within `jwks.refresh_s`', async () => {
    const token = await stack.mint({ ...ALICE, __header: { alg: 'EdDSA' } })

    await expect
      .poll(async () => (await stack.sendAs(token, PATH)).status, { timeout: AGE_MS })
      .toBe(200)
  })
})

/** Often enough that each of the two workers has one of them. */
function sendEverywhere(token: string): Promise<readonly Answer[]> {
  return Promise.all(Array.from({ length: 12 }, () => stack.sendAs(token, PATH)))
}

function statusesOf(answers: readonly Answer[]): readonly number[] {
  return [...new Set(answers.map(({ status }) => status))]
}
