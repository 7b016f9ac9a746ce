import { beforeEach, describe, expect, it } from 'vitest'
import { type Authenticate, createAuthenticate } from '../../src/authorize/authenticate.ts'
import type { Tier } from '../../src/domain/tier.ts'
import { ALICE, NOW, SESSION, SESSION_ID } from '../support/session-fixture.ts'
import { createDeciding, type Deciding, ORIGINS, requestWith } from './check-fixture.ts'

type Headers = Readonly<Record<string, string>>

const COOKIE = `__Host-brickgate=${SESSION_ID}`
const POST = { BRICKGATE_METHOD: 'POST' }

let deciding: Deciding
let authenticate: Authenticate

beforeEach(async () => {
  deciding = await createDeciding()
  await deciding.put(SESSION)
  authenticate = createAuthenticate(deciding.authenticateDeps)
})

function authenticateWith(headers: Headers, tier: Tier = 'internal') {
  return authenticate(requestWith(headers, tier), NOW)
}

function refusal(reason: string, credential: string) {
  return {
    ok: false,
    reason,
    context: { credential, principal: null, sid: null, policies: [], isFromOutage: false },
  }
}

describe('a caller', () => {
  it('with a token goes on with exactly that token', async () => {
    const token = deciding.mint()

    expect(await authenticateWith({ HTTP_AUTHORIZATION: `bearer  ${token}` })).toMatchObject({
      ok: true,
      caller: {
        credential: 'bearer',
        principal: { issuerName: 'idp', subject: 'alice', groups: ['analysts'] },
        sid: null,
        policies: [],
        isFromOutage: false,
        subjectToken: { token, expiresAtSeconds: NOW + 3660 },
        expiresAtSeconds: NOW + 3600,
      },
    })
  })

  it.each([
    ['cookie', { HTTP_COOKIE: COOKIE }],
    ['bearer', { HTTP_AUTHORIZATION: `Bearer ${SESSION_ID}` }],
  ])('with a session as %s goes on with its stored token', async (_, headers) => {
    expect(await authenticateWith(headers)).toEqual({
      ok: true,
      caller: {
        credential: 'session',
        principal: ALICE,
        sid: SESSION.sid,
        policies: [],
        isFromOutage: false,
        subjectToken: SESSION.accessToken,
        session: SESSION,
        expiresAtSeconds: SESSION.expiresAtSeconds,
      },
    })
  })
})

describe('a credential is refused before anything is looked up:', () => {
  it.each<[string, Headers, ReturnType<typeof refusal>]>([
    ['none', {}, refusal('no-credential', 'none')],
    [
      'two',
      { HTTP_COOKIE: COOKIE, HTTP_AUTHORIZATION: 'Bearer x' },
      refusal('ambiguous-credential', 'none'),
    ],
    [
      'two cookies',
      { HTTP_COOKIE: `${COOKIE}; ${COOKIE}` },
      refusal('ambiguous-credential', 'none'),
    ],
    [
      'a scheme nobody knows',
      { HTTP_AUTHORIZATION: 'Digest x' },
      refusal('malformed-token', 'none'),
    ],
    ['a word', { HTTP_AUTHORIZATION: 'Bearer word' }, refusal('malformed-token', 'bearer')],
    [
      'a cookie of another site',
      { HTTP_COOKIE: COOKIE, ...POST },
      refusal('cross-site-request', 'session'),
    ],
    [
      'a WebSocket of another site',
      { HTTP_COOKIE: COOKIE, HTTP_UPGRADE: 'websocket', HTTP_ORIGIN: 'https://evil.example.com' },
      refusal('cross-site-request', 'session'),
    ],
    [
      'a cookie with the origin of the other tier',
      { HTTP_COOKIE: COOKIE, HTTP_ORIGIN: ORIGINS.external, ...POST },
      refusal('cross-site-request', 'session'),
    ],
  ])('%s', async (_, headers, expected) => {
    deciding.memory.isDown = true
    expect(await authenticateWith(headers)).toEqual(expected)
  })
})

describe('a session', () => {
  it('as bearer needs no origin', async () => {
    expect(
      await authenticateWith({ HTTP_AUTHORIZATION: `Bearer ${SESSION_ID}`, ...POST }),
    ).toMatchObject({
      ok: true,
    })
  })

  it('on the other tier is refused', async () => {
    const headers = { HTTP_COOKIE: COOKIE }
    expect(await authenticateWith(headers, 'external')).toEqual(
      refusal('session-wrong-tier', 'session'),
    )
  })

  it('of an issuer that is trusted no more is unknown', async () => {
    const issuers = new Set(['idp'])
    authenticate = createAuthenticate({ ...deciding.authenticateDeps, issuerNames: issuers })
    expect(await authenticateWith({ HTTP_COOKIE: COOKIE })).toEqual(
      refusal('session-unknown', 'session'),
    )
  })

  it('that was revoked is refused and still named', async () => {
    deciding.memory.set(`bg:revoked:session:${SESSION.sid}`, '1')
    expect(await authenticateWith({ HTTP_COOKIE: COOKIE })).toEqual({
      ok: false,
      reason: 'session-revoked',
      context: {
        credential: 'session',
        principal: ALICE,
        sid: SESSION.sid,
        policies: [],
        isFromOutage: false,
      },
    })
  })
})

describe('a token', () => {
  it('that was revoked is refused and still named', async () => {
    deciding.memory.set('bg:revoked:subject:idp|alice', String(NOW))
    expect(
      await authenticateWith({ HTTP_AUTHORIZATION: `Bearer ${deciding.mint()}` }),
    ).toMatchObject({
      ok: false,
      reason: 'token-revoked',
      context: { credential: 'bearer', principal: { subject: 'alice' }, sid: null },
    })
  })

  it('is refused while Redis does not answer, and not for its own sake', async () => {
    deciding.memory.isDown = true
    const bearer = { HTTP_AUTHORIZATION: `Bearer ${deciding.mint()}` }
    expect(await authenticateWith(bearer)).toMatchObject({ ok: false, reason: 'state-unavailable' })
    expect(await authenticateWith({ HTTP_COOKIE: COOKIE })).toMatchObject({
      ok: false,
      reason: 'state-unavailable',
    })
  })

  it('is refused while revocations may be lost', async () => {
    deciding.memory.clear()
    const bearer = { HTTP_AUTHORIZATION: `Bearer ${deciding.mint()}` }
    expect(await authenticateWith(bearer)).toMatchObject({ ok: false, reason: 'state-lost' })
    expect(await authenticateWith({ HTTP_COOKIE: COOKIE })).toMatchObject({
      ok: false,
      reason: 'state-lost',
    })
  })
})
