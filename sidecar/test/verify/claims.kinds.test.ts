import { describe, expect, it } from 'vitest'
import type { TrustedIssuer } from '../../src/verify/trusted-issuer.ts'
import { principalOf, read } from './claims-fixture.ts'
import { type Claims, GENERIC, NOW } from './token-fixture.ts'

/** The reason and claim of a refusal, `ok` for a principal. */
function refusalOf(claims: Claims, changes: Partial<TrustedIssuer> = {}): string {
  const result = read(claims, { ...GENERIC, ...changes })
  return result.ok ? 'ok' : `${result.reason} ${result.claim ?? '-'}`
}

describe('null is absent where a claim only informs:', () => {
  it.each(['sid', 'jti', 'nbf', 'scope', 'scp', 'auth_time', 'groups', 'email'])('%s', (claim) => {
    expect(read({ [claim]: null })).toEqual(read({ [claim]: undefined }))
    expect(read({ [claim]: null }).ok).toBe(true)
  })

  it('a token id is then made of what was signed, so that the token can be revoked by it', () => {
    expect(principalOf(read({ jti: null })).tokenId).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('a client is a client with a null session, and no person with a null name becomes one', () => {
    const client = { sub: 'ci', client_id: 'ci' }
    const subject = (claims: Claims) => principalOf(read({ ...client, ...claims })).subject
    expect(subject({ sid: null, auth_time: null })).toBe('client:ci')
    expect(subject({ name: null })).toBe('ci')
    expect(subject({ email: null })).toBe('ci')
  })

  it('only Entra ID names its tokens by uti', () => {
    expect(principalOf(read({ jti: undefined, uti: 'chosen' })).tokenId).toMatch(/^sha256:/)
  })

  it('an audience without a name makes the token malformed', () => {
    expect(refusalOf({ aud: ['api://databricks', ''] })).toBe('malformed-token aud')
  })

  it.each(['exp', 'iat', 'sub', 'aud', 'client_id'])('%s is none of them', (claim) => {
    expect(refusalOf({ [claim]: null })).toBe(`malformed-token ${claim}`)
  })
})

describe('a token that is bound to a key (RFC 7800, RFC 8705, RFC 9449)', () => {
  it.each<[title: string, cnf: unknown]>([
    ['a DPoP key', { jkt: 'x' }],
    ['a certificate', { 'x5t#S256': 'x' }],
    ['a key of another form', { jwk: {} }],
    ['nothing that is known', {}],
    ['a text', 'jkt'],
    ['an empty text', ''],
    ['false', false],
    ['zero', 0],
    ['a list', []],
  ])('is none for a bearer: %s', (_, cnf) => {
    expect(refusalOf({ cnf })).toBe('sender-constrained-token cnf')
  })

  it('is not one whose issuer says null', () => expect(refusalOf({ cnf: null })).toBe('ok'))

  it('is not one with a claim of that name further in', () => {
    expect(refusalOf({ act: { cnf: { jkt: 'x' } } })).toBe('ok')
  })
})

describe('marks of ID tokens:', () => {
  const keycloak = { admittedClaims: ['nonce'] } as const
  const dex = { admittedClaims: ['at_hash'] } as const

  it.each<[title: string, claims: Claims, issuer: Partial<TrustedIssuer>, expected: string]>([
    ['nonce refuses', { nonce: 'n' }, {}, 'wrong-token-type nonce'],
    ['nonce refuses as null, too', { nonce: null }, {}, 'wrong-token-type nonce'],
    ['at_hash refuses', { at_hash: 'h' }, {}, 'wrong-token-type at_hash'],
    ['c_hash refuses', { c_hash: 'h' }, {}, 'wrong-token-type c_hash'],
    ['nonce is admitted where it is configured', { nonce: 'n' }, keycloak, 'ok'],
    ['at_hash is admitted where it is configured', { at_hash: 'h' }, dex, 'ok'],
    ['nonce admits no at_hash', { nonce: 'n', at_hash: 'h' }, keycloak, 'wrong-token-type at_hash'],
    ['at_hash admits no c_hash', { at_hash: 'h', c_hash: 'h' }, dex, 'wrong-token-type c_hash'],
    ['nothing admits events', { nonce: 'n', events: {} }, keycloak, 'wrong-token-type events'],
  ])('%s', (_, claims, issuer, expected) => {
    expect(refusalOf(claims, issuer)).toBe(expected)
  })
})

describe('a token of Amazon Cognito', () => {
  const cognito: Partial<TrustedIssuer> = { audiences: ['app-1'], audienceClaim: 'client_id' }
  const access = { aud: undefined, client_id: 'app-1', token_use: 'access' }
  const idToken = { token_use: 'id', aud: 'app-1' }

  it.each<[title: string, changes: Claims, expected: string]>([
    ['counts for its client', {}, 'ok'],
    ['counts for its client, which it also has in aud', { aud: ['app-1'] }, 'ok'],
    ['does not for another', { client_id: 'app-2' }, 'wrong-audience client_id'],
    ['does not without one', { client_id: undefined }, 'wrong-audience client_id'],
    ['does not for a list', { client_id: ['app-1'] }, 'malformed-token client_id'],
    ['for a person, with the client in aud, is none', idToken, 'wrong-token-type token_use'],
    ['of no use is none', { token_use: undefined }, 'wrong-token-type token_use'],
    ['of two uses is none', { token_use: ['access'] }, 'malformed-token token_use'],
    ['in another case is none', { token_use: 'Access' }, 'wrong-token-type token_use'],
    ['for another service is refused', { aud: 'other' }, 'wrong-audience aud'],
    ['for an empty list of services is refused', { aud: [] }, 'wrong-audience aud'],
  ])('%s', (_, changes, expected) => {
    expect(refusalOf({ ...access, ...changes }, cognito)).toBe(expected)
  })

  it('counts nowhere else without aud, whatever its client', () => {
    expect(refusalOf(access, { audiences: ['app-1'] })).toBe('wrong-audience aud')
  })
})

describe('a refusal names the claim that is in the way', () => {
  it.each<[claims: Claims, expected: string]>([
    [{ exp: undefined }, 'malformed-token exp'],
    [{ iat: 'yesterday' }, 'malformed-token iat'],
    [{ nbf: 'now' }, 'malformed-token nbf'],
    [{ auth_time: NOW + 9 }, 'malformed-token auth_time'],
    [{ exp: NOW + 1e7 }, 'token-lifetime-too-long exp'],
    [{ sub: 7 }, 'malformed-token sub'],
    [{ sub: undefined }, 'malformed-token sub'],
    [{ jti: 'a\tb' }, 'malformed-token jti'],
    [{ aud: 7 }, 'malformed-token aud'],
    [{ aud: 'other' }, 'wrong-audience aud'],
    [{ _claim_names: { groups: 's' } }, 'groups-unknown groups'],
  ])('%j: %s', (claims, expected) => expect(refusalOf(claims)).toBe(expected))

  it('by the configured name in printable ASCII, and never by a word of the token', () => {
    const subject = 'h\u00e9\r\nX: y'
    const refusal = refusalOf(
      { [subject]: 'a secret\n' },
      { claims: { ...GENERIC.claims, subject } },
    )
    expect(refusal).toBe('malformed-token h???X:?y')
  })

  it('of required scopes, too', () => {
    const refusal = refusalOf({ scope: 'jobs' }, { requiredScopes: ['sql'] })
    expect(refusal).toBe('wrong-token-type scope')
  })
})
