import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import {
  type AuditedRefusal,
  auditedRefusal,
  badRequest,
  forbidden,
  unauthorized,
} from '../harness/refusals.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const WHOAMI = '/_brickgate/whoami'
const NOW = Math.floor(Date.now() / 1000)
const ALICE = { sub: 'alice', groups: ['analysts', 'data, eng'], email: 'alice@example.com' }

let stack: StackClient
let token: string
let internal: MadeSession
let external: MadeSession

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint({ ...ALICE, iat: NOW, exp: NOW + 1800 })
  const accessToken = await stack.mint({ sub: 'stored' })
  internal = await makeSession(stack, { accessToken })
  external = await makeSession(stack, { accessToken, session: { tier: 'external' } })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  await stack.redis.del(`bg:session:${internal.sid}`, `bg:session:${external.sid}`)
  stack.close()
})

type Headers = Readonly<Record<string, string>>

describe.each(['internal', 'external'] as const)('on the %s tier whoami', (tier) => {
  const sendRequest = (headers: Headers, path = WHOAMI): Promise<Answer> =>
    send(stack.listener(tier), path, { headers })

  it('whoami says who a token speaks for, and until when', async () => {
    const answer = await sendRequest({ authorization: `Bearer ${token}` })

    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(JSON.parse(answer.body)).toEqual({
      subject: 'alice',
      issuer: 'demo',
      email: 'alice@example.com',
      groups: ['analysts', 'data, eng'],
      credential: 'bearer',
      expires_at: NOW + 1800,
    })
    expect(await stack.upstreamRequests()).toEqual([])
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit).toMatchObject({ reason: 'allowed', tier, path: WHOAMI, subject: 'demo|alice' })
  })

  it('whoami says whose a session is and when it ends, and shows neither its id nor a token', async () => {
    const { id, sid, session } = tier === 'internal' ? internal : external

    for (const headers of [
      { cookie: `__Host-brickgate=${id}` },
      { authorization: `Bearer ${id}` },
    ]) {
      const { status, body } = await sendRequest(headers)
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({
        subject: 'alice',
        credential: 'session',
        expires_at: session.expiresAtSeconds,
      })
      for (const secret of [id, sid, session.accessToken?.token ?? '?', 'eyJ', 'bgs_']) {
        expect(body).not.toContain(secret)
      }
    }
  })

  it('whoami does not take a session of the other tier for its own, whatever headers say', async () => {
    const { id } = tier === 'internal' ? external : internal
    const other = tier === 'internal' ? 'external' : 'internal'

    const answer = await sendRequest({
      authorization: `Bearer ${id}`,
      'x-brickgate-tier': other,
      'brickgate-tier': other,
      brickgate_tier: other,
    })
    expect(await auditedRefusal(stack, answer)).toEqual(forbidden('session-wrong-tier'))
    expect(await stack.auditOf(String(answer.headers['x-request-id']))).toMatchObject({ tier })
  })

  it('whoami believes no header that names somebody', async () => {
    const forged = {
      'x-forwarded-user': 'admin',
      x_forwarded_user: 'admin',
      'X.Forwarded.User': 'admin',
      'x-forwarded-groups': 'platform-admins',
      'x-forwarded-email': 'admin@example.com',
      'brickgate-user': 'admin',
      brickgate_user: 'admin',
      'remote-user': 'admin',
      'x-brickgate-user': 'admin',
    }

    const { status, body } = await sendRequest({ authorization: `Bearer ${token}`, ...forged })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ subject: 'alice', groups: ALICE.groups })
    const answer = await sendRequest(forged)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('no-credential', 'bare'))
  })

  it('whoami says the same with a query, and its audit line does not repeat that', async () => {
    const answer = await sendRequest({ authorization: `Bearer ${token}` }, `${WHOAMI}?code=secret`)

    expect(answer.status).toBe(200)
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit['path']).toBe(WHOAMI)
  })
})

describe('whoami refuses like the authorizer:', () => {
  it.each<[string, () => Promise<Headers>, AuditedRefusal]>([
    ['nothing at all', async () => ({}), unauthorized('no-credential', 'bare')],
    [
      'an expired token',
      () => bearer({ iat: NOW - 600, exp: NOW - 61 }),
      unauthorized('token-expired'),
    ],
    ['a token for others', () => bearer({ aud: 'api://other' }), unauthorized('wrong-audience')],
    [
      'a token that nobody signed',
      () => bearer({ __header: { alg: 'none' } }),
      unauthorized('algorithm-not-allowed'),
    ],
    [
      'a logout token',
      () => bearer({ __header: { typ: 'logout+jwt' } }),
      unauthorized('wrong-token-type'),
    ],
    ['a word', async () => ({ authorization: 'Bearer word' }), unauthorized('malformed-token')],
    [
      'two bearers',
      async () => ({ authorization: `Bearer ${token}, Bearer ${token}` }),
      badRequest('ambiguous-credential', 'invalid_request'),
    ],
    [
      'cookie and bearer',
      async () => ({ authorization: `Bearer ${token}`, cookie: cookie(internal.id) }),
      badRequest('ambiguous-credential', 'invalid_request'),
    ],
    [
      'two cookies',
      async () => ({ cookie: `${cookie(internal.id)}; ${cookie(internal.id)}` }),
      badRequest('ambiguous-credential', 'invalid_request'),
    ],
    [
      'a session nobody made',
      async () => ({ cookie: cookie(`bgs_${'A'.repeat(43)}`) }),
      unauthorized('session-unknown'),
    ],
  ])('whoami refuses like the authorizer: %s', async (_, headersOf, refusal) => {
    const answer = await stack.send(WHOAMI, { headers: await headersOf() })
    expect(await auditedRefusal(stack, answer)).toEqual(refusal)
  })

  it('whoami refuses like the authorizer: a token that was revoked', async () => {
    const jti = 'revoked-for-whoami'
    const headers = await bearer({ jti })
    await stack.redis.set(`bg:revoked:token:demo|${jti}`, '1', 'EX', 60)

    const answer = await stack.send(WHOAMI, { headers })
    await stack.redis.del(`bg:revoked:token:demo|${jti}`)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('token-revoked'))
  })
})

async function bearer(claims: object): Promise<Headers> {
  return { authorization: `Bearer ${await stack.mint({ ...ALICE, ...claims })}` }
}

function cookie(id: string): string {
  return `__Host-brickgate=${id}`
}
