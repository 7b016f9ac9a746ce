import { beforeAll, describe, expect, it } from 'vitest'
import type { Result } from '../../src/domain/result.ts'
import { createSignInTokens, nonceOf, type SignInTokens } from '../../src/verify/sign-in-tokens.ts'
import type { TrustedIssuer } from '../../src/verify/trusted-issuer.ts'
import {
  type Claims,
  GENERIC,
  ISSUER,
  LIMITS,
  mint,
  NOW,
  type SigningKey,
  signingKey,
} from './token-fixture.ts'
import { createFixture } from './token-verifier-fixture.ts'

const CLIENT = 'brickgate-signin'
const NONCE = { nonce: 'n-1', isRequired: true }
const ID: Claims = {
  iss: ISSUER,
  aud: CLIENT,
  sub: 'alice',
  nonce: 'n-1',
  sid: 'idp-1',
  email: 'alice@example.com',
  groups: ['analysts'],
  iat: NOW - 1,
  exp: NOW + 3600,
}
const LOGOUT_EVENT = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const LOGOUT: Claims = {
  iss: ISSUER,
  aud: CLIENT,
  sub: 'alice',
  sid: 'idp-1',
  jti: 'logout-1',
  iat: NOW - 1,
  exp: NOW + 119,
  events: LOGOUT_EVENT,
}

let key: SigningKey
let stranger: SigningKey

beforeAll(async () => {
  key = await signingKey('k1')
  stranger = await signingKey('k1')
})

function tokensOf(changes: Partial<TrustedIssuer> = {}): SignInTokens {
  const { keys, publish, unexpected } = createFixture()
  publish([key])
  const issuer = { ...GENERIC, ...changes }
  const onUnexpected = (error: unknown) => void unexpected.push(error)
  return createSignInTokens({ issuer, clientId: CLIENT, limits: LIMITS, keys, onUnexpected })
}

function reasonOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.reason
}

async function idReason(claims: Claims, header: Claims = {}, signer = key): Promise<string> {
  const token = mint(signer, { ...ID, ...claims }, header)
  return reasonOf(await tokensOf().idToken(token, NONCE, NOW))
}

async function logoutReason(claims: Claims, header: Claims = {}, signer = key): Promise<string> {
  const token = mint(signer, { ...LOGOUT, ...claims }, { typ: 'logout+jwt', ...header })
  return reasonOf(await tokensOf().logoutToken(token, NOW))
}

describe('an ID token', () => {
  it('says who signed in, with the groups it lists', async () => {
    const claims = { auth_time: NOW - 30, jti: 'id-1' }
    expect(await tokensOf().idToken(mint(key, { ...ID, ...claims }), NONCE, NOW)).toEqual({
      ok: true,
      value: {
        groups: 'listed',
        principal: {
          issuerName: 'idp',
          subject: 'alice',
          clientId: CLIENT,
          email: 'alice@example.com',
          groups: ['analysts'],
          tokenId: 'id-1',
          idpSession: 'idp-1',
          authTimeSeconds: NOW - 30,
          issuedAtSeconds: NOW - 1,
          notBeforeSeconds: null,
          expiresAtSeconds: NOW + 3600,
        },
      },
    })
  })

  it.each<[string, Claims]>([
    ['absent', { groups: undefined }],
    ['absent', { groups: null }],
    ['elsewhere', { _claim_names: { groups: 'src1' } }],
    ['elsewhere', { hasgroups: true }],
  ])('says that its groups are %s', async (groups, claims) => {
    const result = await tokensOf().idToken(mint(key, { ...ID, ...claims }), NONCE, NOW)
    expect(result).toMatchObject({ ok: true, value: { groups } })
  })

  it.each<[string, Claims, string]>([
    ['another issuer', { iss: 'https://other.example' }, 'unknown-issuer'],
    ['another audience', { aud: 'other' }, 'wrong-audience'],
    ['the audience of access tokens', { aud: 'api://databricks' }, 'wrong-audience'],
    ['no audience', { aud: undefined }, 'wrong-audience'],
    ['several audiences and no azp', { aud: [CLIENT, 'other'] }, 'wrong-audience'],
    ['another azp', { azp: 'other' }, 'wrong-audience'],
    ['another nonce', { nonce: 'n-2' }, 'malformed-token'],
    ['groups that cannot be used', { groups: ['a', 1] }, 'groups-unusable'],
    ['no nonce', { nonce: undefined }, 'malformed-token'],
    ['a nonce of another form', { nonce: 1 }, 'malformed-token'],
    ['no subject', { sub: undefined }, 'malformed-token'],
    ['a subject that could be a client', { sub: 'client:ci' }, 'malformed-token'],
    ['a subject that cannot be part of a key', { sub: 'al\nice' }, 'malformed-token'],
    ['no exp', { exp: undefined }, 'malformed-token'],
    ['no iat', { iat: undefined }, 'malformed-token'],
    ['an exp beyond all time', { exp: 1e300 }, 'malformed-token'],
    ['its end a minute behind it', { iat: NOW - 90, exp: NOW - 60 }, 'token-expired'],
    ['its begin before it', { iat: NOW + 60 }, 'token-not-yet-valid'],
    ['a sign-in later than itself', { auth_time: NOW + 60 }, 'malformed-token'],
    ['a longer life than revocations', { exp: NOW + 200_000 }, 'token-lifetime-too-long'],
    ['events', { events: LOGOUT_EVENT }, 'wrong-token-type'],
    ['a session id of another form', { sid: 7 }, 'malformed-token'],
  ])('is refused with %s', async (_, claims, reason) => {
    expect(await idReason(claims)).toBe(reason)
  })

  it.each<[string, Claims]>([
    ['several audiences and us as azp', { aud: [CLIENT, 'other'], azp: CLIENT }],
    ['us as azp', { azp: CLIENT }],
    ['its end less than the leeway ago', { iat: NOW - 90, exp: NOW - 59 }],
    ['null where a claim only informs', { sid: null, jti: null, nbf: null, auth_time: null }],
  ])('is taken with %s', async (_, claims) => expect(await idReason(claims)).toBe('ok'))

  it.each<[string, Claims]>([
    ['an access token', { typ: 'at+jwt' }],
    ['a logout token', { typ: 'logout+jwt' }],
    ['a security event', { typ: 'secevent+jwt' }],
  ])('is not %s', async (_, header) => {
    expect(await idReason({}, header)).toBe('wrong-token-type')
  })

  it('counts only with a signature of the issuer, by an algorithm it is trusted with', async () => {
    expect(await idReason({}, {}, stranger)).toBe('bad-signature')
    expect(await idReason({}, { alg: 'none' })).toBe('algorithm-not-allowed')
    expect(await idReason({}, { alg: 'HS256' })).toBe('algorithm-not-allowed')
    expect(await idReason({}, { kid: 'k2' })).toBe('unknown-key')
  })

  it('is looked at up to 32 KiB', async () => {
    expect(await idReason({ x: 'x'.repeat(20_000) })).toBe('ok')
    expect(await idReason({ x: 'x'.repeat(25_000) })).toBe('malformed-token')
  })

  it('of a refresh may leave the nonce out, and have no other', async () => {
    const refreshed = { nonce: 'n-1', isRequired: false }
    const reason = async (nonce: unknown) =>
      reasonOf(await tokensOf().idToken(mint(key, { ...ID, nonce }), refreshed, NOW))
    expect(await reason(undefined)).toBe('ok')
    expect(await reason('n-1')).toBe('ok')
    expect(await reason('n-2')).toBe('malformed-token')
  })

  it('tells its nonce again', () => {
    expect(nonceOf(mint(key, ID))).toBe('n-1')
    expect(nonceOf(mint(key, { ...ID, nonce: undefined }))).toBeNull()
    expect(nonceOf('word')).toBeNull()
  })
})

describe('the subject is the same as from access tokens:', () => {
  const TENANT = 'https://login.microsoftonline.com/t-1/v2.0'

  it.each<[string, Partial<TrustedIssuer>, Claims, string | null]>([
    ['okta, whose ID tokens have it as sub', { preset: 'okta' }, { sub: '00u1' }, '00u1'],
    ['okta, with uid', { preset: 'okta' }, { sub: 'login', uid: '00u1' }, '00u1'],
    ['entra', { preset: 'entra', issuerUrl: TENANT }, { tid: 't-1', oid: 'o-1' }, 't-1:o-1'],
    [
      'entra of another tenant',
      { preset: 'entra', issuerUrl: TENANT },
      { tid: 't-2', oid: 'o' },
      null,
    ],
    ['entra without oid', { preset: 'entra', issuerUrl: TENANT }, { tid: 't-1' }, null],
    ['databricks', { preset: 'databricks' }, { sub: 'a@example.com' }, 'a@example.com'],
    ['generic with another claim', {}, { sub: 'x', employee: 'e-1' }, 'e-1'],
    ['generic without that claim', {}, { sub: 'x' }, null],
  ])('%s', async (name, changes, claims, subject) => {
    const own = { okta: 'uid', entra: 'oid', databricks: 'sub', generic: 'employee' }
    const [preset = 'generic'] = name.split(/[ ,]/) as (keyof typeof own)[]
    const names = { ...GENERIC.claims, subject: own[preset] }
    const tokens = tokensOf({ ...changes, claims: names })
    const iss = changes.issuerUrl ?? ISSUER

    const id = await tokens.idToken(mint(key, { ...ID, iss, ...claims }), NONCE, NOW)
    expect(id.ok ? id.value.principal.subject : null).toBe(subject)
    const logout = await tokens.logoutToken(mint(key, { ...LOGOUT, iss, ...claims }), NOW)
    expect(logout.ok && logout.value.subject).toBe(subject)
  })
})

describe('a logout token', () => {
  it('says which session or subject has ended', async () => {
    const token = mint(key, LOGOUT, { typ: 'logout+jwt' })
    expect(await tokensOf().logoutToken(token, NOW)).toEqual({
      ok: true,
      value: {
        tokenId: 'logout-1',
        issuedAtSeconds: NOW - 1,
        expiresAtSeconds: NOW + 119,
        idpSession: 'idp-1',
        subject: 'alice',
      },
    })
  })

  it.each<[string, Claims]>([
    ['without typ of its own', { typ: 'JWT' }],
    ['without typ', { typ: undefined }],
  ])('is taken %s', async (_, header) => expect(await logoutReason({}, header)).toBe('ok'))

  it('names the session and subject as access tokens do', async () => {
    const [sub, sid] = ['al ice 100%', 'idp 1']
    const logout = await tokensOf().logoutToken(mint(key, { ...LOGOUT, sub, sid }), NOW)
    expect(logout).toMatchObject({ value: { subject: 'al%20ice%20100%25', idpSession: 'idp%201' } })
    const id = await tokensOf().idToken(mint(key, { ...ID, sub, sid }), NONCE, NOW)
    expect(id).toMatchObject({
      value: { principal: { subject: 'al%20ice%20100%25', idpSession: 'idp%201' } },
    })
  })

  it.each<[string, Claims]>([
    ['only a session', { sub: undefined }],
    ['only a subject', { sid: undefined }],
    ['several audiences', { aud: ['other', CLIENT] }],
    ['a clock that is ahead by the skew', { iat: NOW + LIMITS.clockSkewSeconds }],
    ['a life of an hour', { exp: NOW - 1 + 3600 }],
  ])('is taken with %s', async (_, claims) => expect(await logoutReason(claims)).toBe('ok'))

  it.each<[string, Claims, string]>([
    ['another issuer', { iss: 'https://other.example' }, 'unknown-issuer'],
    ['another audience', { aud: 'other' }, 'wrong-audience'],
    ['the audience of access tokens', { aud: 'api://databricks' }, 'wrong-audience'],
    ['a nonce', { nonce: 'n-1' }, 'wrong-token-type'],
    ['no events', { events: undefined }, 'wrong-token-type'],
    ['another event', { events: { 'http://schemas.openid.net/x': {} } }, 'wrong-token-type'],
    [
      'an event that is no object',
      { events: { [Object.keys(LOGOUT_EVENT)[0] ?? '']: 1 } },
      'wrong-token-type',
    ],
    ['events that are a list', { events: Object.keys(LOGOUT_EVENT) }, 'wrong-token-type'],
    ['neither session nor subject', { sid: undefined, sub: undefined }, 'malformed-token'],
    ['no jti', { jti: undefined }, 'malformed-token'],
    ['no iat', { iat: undefined }, 'malformed-token'],
    ['no exp', { exp: undefined }, 'malformed-token'],
    ['an exp beyond all time', { exp: 1e300 }, 'malformed-token'],
    ['its end a minute behind it', { iat: NOW - 90, exp: NOW - 60 }, 'token-expired'],
    ['its begin before it', { iat: NOW + 60 }, 'token-not-yet-valid'],
    ['a life of more than an hour', { exp: NOW + 3600 }, 'token-lifetime-too-long'],
    ['a session id that cannot be part of a key', { sid: 'a\nb' }, 'malformed-token'],
  ])('is refused with %s', async (_, claims, reason) => {
    expect(await logoutReason(claims)).toBe(reason)
  })

  it('counts only with a signature of the issuer, by an algorithm it is trusted with', async () => {
    expect(await logoutReason({}, {}, stranger)).toBe('bad-signature')
    expect(await logoutReason({}, { alg: 'none' })).toBe('algorithm-not-allowed')
    expect(await logoutReason({}, { typ: 'at+jwt' })).toBe('wrong-token-type')
  })

  it('is no ID token, and an ID token no logout token', async () => {
    const tokens = tokensOf()
    expect(reasonOf(await tokens.idToken(mint(key, { ...LOGOUT, nonce: 'n-1' }), NONCE, NOW))).toBe(
      'wrong-token-type',
    )
    expect(reasonOf(await tokens.logoutToken(mint(key, { ...ID, jti: 'x' }), NOW))).toBe(
      'wrong-token-type',
    )
  })
})
