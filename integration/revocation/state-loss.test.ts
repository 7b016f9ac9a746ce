import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, redisCli } from '../harness/commands.ts'
import { start, stop } from '../harness/processes.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { createVisitor } from '../sign-in/browser.ts'
import { CLUSTERS, epochSeconds, expectAllowed, expectRefused } from './revoking.ts'

const SKEW_S = 1

let stack: StackClient
/** issued before every loss of these tests */
let older: string
let revoked: string
let session: MadeSession

beforeAll(async () => {
  stack = stackClient(await startStack({ config: { revocation: { clock_skew_s: SKEW_S } } }))
  const iat = epochSeconds() - 60
  older = await stack.mint({ sub: 'alice', groups: ['analysts'], iat })
  revoked = await stack.mint({ sub: 'mallory', groups: ['analysts'], iat })
})

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

const LOSSES: readonly (readonly [name: string, lose: () => Promise<void>])[] = [
  ['a Redis restarted empty', restartEmpty],
  ['FLUSHALL', async () => void (await redisCli(stack.info, 'FLUSHALL'))],
  ['DEL of bg:state', async () => void (await redisCli(stack.info, 'DEL', 'bg:state'))],
]

describe.each(LOSSES)('%s', (name, lose) => {
  const keepsSessions = name.startsWith('DEL')

  beforeAll(async () => {
    session = await makeSession(stack)
    await stack.redis.set('bg:revoked:subject:demo|mallory', String(epochSeconds()), 'EX', 600)
    await expectAllowed(stack, { credential: older })
    await expectAllowed(stack, { credential: session.id })
    await expectRefused(stack, { credential: revoked }, 'token-revoked')
    await lose()
  })

  it('a lost state answers older tokens with 503 state-lost, with a whole Retry-After', async () => {
    await expectStateLost(older)
  })

  it('after a loss of state, the gateway un-revokes nobody', async () => {
    // a worker that knew of the revocation goes on refusing; to another it may be lost
    const { status } = await stack.sendAs(revoked, CLUSTERS)
    expect(keepsSessions ? [401] : [401, 503]).toContain(status)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('after a loss of state, the gateway answers a session that it does not find with 503 state-lost', async () => {
    if (keepsSessions) await expectAllowed(stack, { credential: session.id })
    else await expectStateLost(session.id)
  })

  it('after a loss of state, the gateway lets a token issued after the loss work, and a session made after it', async () => {
    const { since } = JSON.parse(String(await stack.redis.get('bg:state'))) as { since: number }
    await expect.poll(epochSeconds, { timeout: 5000 }).toBeGreaterThan(since + SKEW_S)
    const newer = await stack.mint({ sub: 'alice', groups: ['analysts'] })
    await expectAllowed(stack, { credential: newer })
    await expectAllowed(stack, { credential: (await makeSession(stack)).id })
  })

  it('after a loss of state, the gateway leads a page navigation with a session that is lost to a sign-in, and on with the new session', async () => {
    const visitor = createVisitor(stack)
    visitor.plant('__Host-brickgate', keepsSessions ? `bgs_${'x'.repeat(43)}` : session.id)
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
    const cookie = visitor.cookies()
    const answer = await stack.send(CLUSTERS, { headers: { ...headers, cookie } })
    expect(answer.status).toBe(303)
    const at = new URL(String(answer.headers['location']))
    expect(at.searchParams.get('return_to')).toBe(CLUSTERS)
    const done = await visitor.signIn('alice', CLUSTERS)
    expect(visitor.redirectOf(done).pathname).toBe(CLUSTERS)
    await expectAllowed(stack, { credential: visitor.sessionId() })
  })

  it('after a loss of state, the gateway refuses a token refreshed after the loss that was signed in before it', async () => {
    const authTime = epochSeconds() - 60
    await expectStateLost(
      await stack.mint({ sub: 'alice', groups: ['analysts'], auth_time: authTime }),
    )
  })

  it('a loss of state is ended by `brickgate state accept`', async () => {
    expect((await brickgate(stack.info, 'state', 'accept')).code).toBe(0)
    await expectAllowed(stack, { credential: older })
    if (keepsSessions) await expectAllowed(stack, { credential: session.id })
    else await expectRefused(stack, { credential: session.id }, 'session-unknown')
  })
})

describe('a bg:state that cannot be read refuses every token with 503', () => {
  it.each([
    ['text', ['SET', 'bg:state', 'garbage']],
    ['a negative since', ['SET', 'bg:state', '{"id":"x","since":-1}']],
    ['a since that is no number', ['SET', 'bg:state', '{"id":"x","since":null}']],
    ['a hash', ['HSET', 'bg:state', 'since', '0']],
  ])('a bg:state that cannot be read refuses every token with 503: %s', async (_form, write) => {
    await redisCli(stack.info, 'DEL', 'bg:state')
    await redisCli(stack.info, ...write)
    await expectStateLost(older)
    await expectStateLost(await stack.mint({ sub: 'alice', groups: ['analysts'] }))
  })

  it('a bg:state that cannot be read is counted', async () => {
    const metrics = await stack.metrics()
    for (const kind of ['state-missing', 'malformed', 'wrong-type']) {
      expect(metrics.get(`brickgate_state_anomalies_total{kind="${kind}"}`)).toBeGreaterThan(0)
    }
  })
})

it('a bg:state with members of a later version is no loss', async () => {
  await redisCli(stack.info, 'DEL', 'bg:state')
  await redisCli(stack.info, 'SET', 'bg:state', '{"id":"x","since":0,"epoch":7}')
  await expectAllowed(stack, { credential: older })
})

async function restartEmpty(): Promise<void> {
  const { directory } = stack.info.demo
  await stop(stack.info, 'redis')
  rmSync(join(directory, 'redis/appendonlydir'), { recursive: true })
  await start(stack.info, 'redis')
  await vi.waitFor(async () => {
    expect((await stack.metrics()).get('brickgate_redis_up')).toBe(1)
  }, 5000)
}

async function expectStateLost(credential: string): Promise<void> {
  await stack.forgetUpstreamRequests()
  const answer = await stack.sendAs(credential, CLUSTERS)
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
  expect(answer.headers['www-authenticate']).toBeUndefined()
  expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
  const audit = await stack.auditOf(String(answer.headers['x-request-id']))
  expect(audit.reason).toBe('state-lost')
  expect(await stack.upstreamRequests()).toEqual([])
}
