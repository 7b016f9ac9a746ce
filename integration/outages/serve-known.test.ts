import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AuditLine, type StackClient, stackClient } from '../harness/client.ts'
import { start, stop } from '../harness/processes.ts'
import { makeSession } from '../harness/sessions.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { expectComeAgain, expectServedAgain, timed } from './unavailable.ts'

const MAX_STALENESS_MS = 1500
const SERVE_KNOWN_FOR_MS = 7000

let stack: StackClient
let token: string
let session: string
let revoked: string

beforeAll(async () => {
  const config = {
    revocation: { max_staleness_ms: MAX_STALENESS_MS },
    outage: { redis: { serve_known_for_ms: SERVE_KNOWN_FOR_MS } },
    runtime: { directory: 'sockets', proof_file: 'secrets/proof', workers: 1 },
  }
  stack = stackClient(await startStack({ config }))
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  revoked = await stack.mint({ sub: 'mallory', groups: ['analysts'] })
  session = (await makeSession(stack)).id
  await stack.redis.set('bg:revoked:subject:demo|mallory', Math.ceil(Date.now() / 1000))
})

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe('while Redis is out of reach, with outage.redis.serve_known_for_ms', () => {
  let outageBeganMs: number

  beforeAll(async () => {
    for (const credential of [token, session, revoked]) await untilKnown(credential)
    await stop(stack.info, 'redis')
    outageBeganMs = performance.now()
  })

  it('while Redis is out of reach, with outage.redis.serve_known_for_ms, a known caller goes on, unmarked within the staleness bound', async () => {
    const { answer } = await timed(stack, token)
    expect(answer.status).toBe(200)
    const audit = await auditOfForwarded()
    expect(audit).toMatchObject({ decision: 'allow', outage: null })
  })

  it.each([
    ['token', () => token],
    ['session', () => session],
  ])(
    'while Redis is out of reach, a known caller goes on beyond the bound by a %s, marked in audit and metrics',
    async (_, credential) => {
      await pause(Math.max(0, outageBeganMs + 2 * MAX_STALENESS_MS - performance.now()))
      const counted = await outageAllows()
      const { answer } = await timed(stack, credential())
      expect(answer.status).toBe(200)
      const audit = await auditOfForwarded()
      expect(audit).toMatchObject({ decision: 'allow', reason: 'allowed', outage: 'redis' })
      expect(await outageAllows()).toBe(counted + 1)
    },
  )

  it('while Redis is out of reach, with outage.redis.serve_known_for_ms, a new caller does not get in, nor does a revoked one', async () => {
    await stack.forgetUpstreamRequests()
    const newcomer = await stack.mint({ sub: 'bob', groups: ['analysts'] })
    expectComeAgain((await timed(stack, newcomer)).answer)
    expect((await timed(stack, revoked)).answer.status).toBe(401)
    expectComeAgain((await timed(stack, `bgs_${'A'.repeat(43)}`)).answer)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('while Redis is out of reach, with outage.redis.serve_known_for_ms, nobody gets in when the time is over', async () => {
    await pause(Math.max(0, outageBeganMs + SERVE_KNOWN_FOR_MS - performance.now()))
    expectComeAgain((await timed(stack, token)).answer)
    expectComeAgain((await timed(stack, session)).answer)
  })

  it('every caller gets in again, unmarked, when Redis is back', async () => {
    await start(stack.info, 'redis')
    await expectServedAgain(stack, token)
    await timed(stack, token)
    const audit = await auditOfForwarded()
    expect(audit).toMatchObject({ decision: 'allow', outage: null })
    expect((await timed(stack, revoked)).answer.status).toBe(401)
  })
})

/** The audit line of the last request that was allowed: its answer bears the workspace's own id. */
async function auditOfForwarded(): Promise<AuditLine> {
  const forwarded = (await stack.upstreamRequests()).at(-1)
  const id = forwarded?.headers.find(([name]) => name.toLowerCase() === 'x-request-id')?.[1]
  return stack.auditOf(String(id))
}

/** Asks until the worker answers without Redis. */
async function untilKnown(credential: string): Promise<void> {
  const hits = async (): Promise<number> =>
    (await stack.metrics()).get('brickgate_state_cache_hits_total') ?? 0
  await vi.waitFor(async () => {
    const before = await hits()
    await timed(stack, credential)
    expect(await hits()).toBeGreaterThan(before)
  }, 10_000)
}

async function outageAllows(): Promise<number> {
  return (await stack.metrics()).get('brickgate_outage_allows_total') ?? 0
}
