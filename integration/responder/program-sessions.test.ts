import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import {
  type AuditedRefusal,
  auditedRefusal,
  badRequest,
  forbidden,
  readRefusal,
  unauthorized,
} from '../harness/refusals.ts'
import { makeSession, sealedSeen } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { epochSeconds } from '../revocation/revoking.ts'

const SESSIONS = '/_brickgate/sessions'
const CLUSTERS = '/api/2.1/clusters/list'

interface Made {
  readonly token: string
  readonly sid: string
  readonly expires_at: number
}

let stack: StackClient
let bearer: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  bearer = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

afterEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

const post = (credential: string, body?: unknown, path = SESSIONS): Promise<Answer> =>
  stack.sendAs(credential, path, {
    method: 'POST',
    ...(body === undefined
      ? { headers: { 'content-length': '0' } }
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })

async function made(credential = bearer, body?: unknown): Promise<Made> {
  const answer = await post(credential, body)
  expect([answer.status, answer.body.slice(0, 9)]).toEqual([201, '{"token":'])
  return JSON.parse(answer.body) as Made
}

const remove = (credential: string, path = SESSIONS): Promise<Answer> =>
  stack.sendAs(credential, path, { method: 'DELETE' })
const statusWith = async (credential: string): Promise<number> =>
  (await stack.sendAs(credential, CLUSTERS)).status

describe('a token of the issuer', () => {
  it('a token of the issuer gives an opaque token, with which the workspace is reached as the same person', async () => {
    const now = epochSeconds()
    const token = await stack.mint({ sub: 'alice', groups: ['analysts'], iat: now, exp: now + 600 })
    const answer = await post(token)

    expect(answer.status).toBe(201)
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.headers['cache-control']).toBe('no-store')
    const session = JSON.parse(answer.body) as Made
    expect(session).toEqual({
      token: expect.stringMatching(/^bgs_[A-Za-z0-9_-]{43}$/),
      sid: expect.stringMatching(/^[0-9a-f]{64}$/),
      expires_at: now + 600,
    })
    expect(await stack.auditOf(String(answer.headers['x-request-id']))).toMatchObject({
      reason: 'allowed',
      method: 'POST',
      path: SESSIONS,
      subject: 'demo|alice',
      session: session.sid,
    })
    expect(await statusWith(session.token)).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      authorization: `Bearer ${token}`,
      'x-forwarded-user': 'alice',
    })
    expect(await stack.redis.ttl(`bg:session:${session.sid}`)).toBeGreaterThan(590)
    expect(await stack.redis.ttl(`bg:session:${session.sid}`)).toBeLessThanOrEqual(600)
    expect(await stack.redis.zscore('bg:subject-sessions:demo|alice', session.sid)).toBe(
      String(now + 600),
    )
  })

  it('a token of the issuer gives a session no longer-lived than the absolute timeout', async () => {
    const now = epochSeconds()
    const exp = now + 100_000
    const { expires_at } = await made(await stack.mint({ sub: 'alice', iat: now, exp }))
    expect(expires_at - now).toBeGreaterThanOrEqual(28_800)
    expect(expires_at - now).toBeLessThan(28_810)
  })

  it('a token of the issuer gives a shorter-lived one on demand, and never a longer', async () => {
    const now = epochSeconds()
    const token = await stack.mint({ sub: 'alice', iat: now, exp: now + 600 })
    expect((await made(token, { expires_in: 60 })).expires_at - now).toBeLessThanOrEqual(70)
    expect((await made(token, { expires_in: 999_999_999 })).expires_at).toBe(now + 600)
    expect((await made(token, {})).expires_at).toBe(now + 600)
    const brief = await made(token, { expires_in: 1 })
    await expect.poll(() => statusWith(brief.token), { timeout: 5000 }).toBe(401)
  })

  it('a token of the issuer gives a fresh one each time, on the tier it came to', async () => {
    const [one, other] = await Promise.all([made(), made()])
    expect(one.token).not.toBe(other.token)
    const outside = { headers: { authorization: `Bearer ${one.token}` } }
    const answer = await send(stack.listener('external'), CLUSTERS, outside)
    expect(await auditedRefusal(stack, answer)).toEqual(forbidden('session-wrong-tier'))
  })
})

describe('no session is made', () => {
  it('no session is made for a subject that has a hundred, until one of them ends', async () => {
    const sub = `hoarder-${randomUUID()}`
    const hoarder = await stack.mint({ sub, groups: ['analysts'] })
    const answers = await Promise.all(Array.from({ length: 120 }, () => post(hoarder)))
    // A busy machine answers 503 to some of many requests at once.
    let refused = await post(hoarder)
    while (refused.status !== 429 && answers.length < 240) {
      answers.push(refused)
      refused = await post(hoarder)
    }
    const kept = answers.filter(({ status }) => status === 201).map(({ body }) => body)
    expect(kept.length).toBeLessThanOrEqual(100)
    expect(kept.length).toBeGreaterThan(50)
    expect(refused.status).toBe(429)
    expect(refused.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
    expect(JSON.parse(refused.body)).toMatchObject({ error_code: 'RESOURCE_EXHAUSTED' })
    const audit = await stack.auditOf(String(refused.headers['x-request-id']))
    expect(audit).toMatchObject({ reason: 'too-many-sessions', subject: `demo|${sub}` })
    // A session may exist although its answer was 503.
    const busy = answers.filter(({ status }) => status === 503)
    for (const body of kept.slice(0, busy.length + 1)) {
      const { token } = JSON.parse(body) as Made
      expect((await remove(token)).status).toBe(204)
    }
    await made(hoarder)
  })

  const NOT_ACCEPTED = forbidden('credential-not-accepted')

  it('no session is made from a session, be it a program’s or a browser’s', async () => {
    const browser = await makeSession(stack)
    for (const credential of [(await made()).token, browser.id]) {
      expect(await auditedRefusal(stack, await post(credential))).toEqual(NOT_ACCEPTED)
    }
  })

  it('no session is made from a cookie, its own origin or not', async () => {
    const cookie = `__Host-brickgate=${(await makeSession(stack)).id}`
    const own = stack.info.config.tiers.internal.public_url
    const asked = (origin: string) =>
      stack.send(SESSIONS, { method: 'POST', headers: { cookie, origin, 'content-length': '0' } })
    expect(await auditedRefusal(stack, await asked(own))).toEqual(NOT_ACCEPTED)
    const foreign = forbidden('cross-site-request')
    expect(await auditedRefusal(stack, await asked('https://evil.example'))).toEqual(foreign)
  })

  it.each<[string, object, AuditedRefusal]>([
    ['an expired token', { iat: 1, exp: 2 }, unauthorized('token-expired')],
    ['a token for others', { aud: 'api://other' }, unauthorized('wrong-audience')],
    ['a logout token', { __header: { typ: 'logout+jwt' } }, unauthorized('wrong-token-type')],
  ])('no session is made from %s', async (_, claims, refusal) => {
    const answer = await post(await stack.mint({ sub: 'alice', ...claims }))
    expect(await auditedRefusal(stack, answer)).toEqual(refusal)
  })

  it('no session is made from nothing', async () => {
    const answer = await stack.send(SESSIONS, {
      method: 'POST',
      headers: { 'content-length': '0' },
    })
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('no-credential', 'bare'))
  })

  it.each([
    { expires_in: 0 },
    { expires_in: -1 },
    { expires_in: 1.5 },
    { expires_in: '60' },
    { expires_in: null },
    { sub: 'bob' },
    { expires_in: 60, kind: 'browser' },
    [],
    'x',
    60,
  ])('no session is made for the wishes %j', async (wishes) => {
    const before = await stack.redis.zcard('bg:subject-sessions:demo|alice')
    const answer = await post(bearer, wishes)
    expect(await auditedRefusal(stack, answer)).toEqual(badRequest('bad-request'))
    expect(await stack.redis.zcard('bg:subject-sessions:demo|alice')).toBe(before)
  })

  it('no session is made for a body that is no JSON', async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await stack.sendAs(bearer, SESSIONS, { method: 'POST', body: '{', headers })
    expect(readRefusal(answer)).toMatchObject({ status: 400, errorCode: 'BAD_REQUEST' })
  })
})

describe('DELETE', () => {
  it('DELETE ends the session that it is sent with, and no other', async () => {
    const [one, other] = await Promise.all([made(), made()])
    expect(await statusWith(one.token)).toBe(200)
    const answer = await remove(one.token)

    expect([answer.status, answer.body]).toEqual([204, ''])
    expect(await stack.auditOf(String(answer.headers['x-request-id']))).toMatchObject({
      method: 'DELETE',
      session: one.sid,
    })
    await expect.poll(() => statusWith(one.token)).toBe(401)
    expect(await statusWith(other.token)).toBe(200)
    expect(await auditedAgain(one.token)).toEqual(unauthorized('session-unknown'))
    expect(await stack.redis.zscore('bg:subject-sessions:demo|alice', one.sid)).toBeNull()
  })

  it('DELETE takes no token of the issuer for a session', async () => {
    const answer = await remove(bearer)
    expect(await auditedRefusal(stack, answer)).toEqual(forbidden('credential-not-accepted'))
  })

  it('DELETE of a sid ends another session of the same person', async () => {
    const [one, other] = await Promise.all([made(), made()])
    expect((await remove(bearer, `${SESSIONS}/${one.sid}`)).status).toBe(204)
    await expect.poll(() => statusWith(one.token)).toBe(401)
    const third = await made()
    expect((await remove(third.token, `${SESSIONS}/${other.sid}`)).status).toBe(204)
    await expect.poll(() => statusWith(other.token)).toBe(401)
    expect(await statusWith(third.token)).toBe(200)
  })

  it('DELETE ends no session of another person, and does not say that there is one', async () => {
    const bob = await made(await stack.mint({ sub: 'bob', groups: ['analysts'] }))
    const strange = randomBytes(32).toString('hex')
    for (const sid of [bob.sid, strange, 'x', '..%2F', bob.sid.toUpperCase(), '*']) {
      const answer = await remove(bearer, `${SESSIONS}/${sid}`)
      expect(readRefusal(answer), sid).toMatchObject({ status: sid.includes('%') ? 400 : 404 })
    }
    expect(await statusWith(bob.token)).toBe(200)
  })

  it('DELETE by a cookie needs its own origin', async () => {
    const { id } = await makeSession(stack)
    const cookie = `__Host-brickgate=${id}`
    const from = (origin: string): Promise<Answer> =>
      stack.send(SESSIONS, { method: 'DELETE', headers: { cookie, origin } })
    const foreign = await auditedRefusal(stack, await from('https://evil.example'))
    expect(foreign).toEqual(forbidden('cross-site-request'))
    expect(await statusWith(id)).toBe(200)
    expect((await from(stack.info.config.tiers.internal.public_url)).status).toBe(204)
    await expect.poll(() => statusWith(id)).toBe(401)
  })

  const auditedAgain = async (token: string): Promise<AuditedRefusal> => {
    await stack.forgetUpstreamRequests()
    return auditedRefusal(stack, await remove(token))
  }
})

it('a session goes unused for longer than a browser’s may', async () => {
  const { token, sid } = await made()
  const browser = await makeSession(stack, {
    session: { createdAtSeconds: epochSeconds() - 3600 },
  })
  await expect.poll(() => statusWith(browser.id)).toBe(401)
  await stack.redis.set(
    `bg:seen:${sid}`,
    sealedSeen(stack, sid, epochSeconds() - 10_000),
    'EX',
    600,
  )
  expect(await statusWith(token)).toBe(200)
})
