import { describe, expect, it } from 'vitest'
import { storedText } from '../../src/domain/stored-value.ts'
import { revocationKey } from '../../src/revocation/revocation-keys.ts'
import { isRefused } from '../../src/revocation/revocation-rule.ts'
import { readPrincipal, refusalAt } from '../../src/verify/claims.ts'
import { principalOf, read, reasonOf } from './claims-fixture.ts'
import { CLAIMS, GENERIC, LIMITS, NOW } from './token-fixture.ts'

describe('readPrincipal', () => {
  it('reads everything that a token tells', () => {
    const result = read({
      email: 'alice@example.com',
      groups: ['analysts', 'Données, 100 %'],
      client_id: 'cli',
      sid: 'idp-session',
      auth_time: NOW - 600,
      nbf: NOW - 60.5,
    })
    expect(principalOf(result)).toEqual({
      issuerName: 'idp',
      subject: 'alice',
      email: 'alice@example.com',
      groups: ['analysts', 'Données, 100 %'],
      clientId: 'cli',
      tokenId: 'token-1',
      idpSession: 'idp-session',
      authTimeSeconds: NOW - 600,
      issuedAtSeconds: NOW - 60,
      notBeforeSeconds: NOW - 60.5,
      expiresAtSeconds: NOW + 3_600,
    })
  })

  it('reads what a token does not tell as null and as no groups', () => {
    expect(principalOf(read({}))).toMatchObject({
      email: null,
      groups: [],
      clientId: null,
      idpSession: null,
      authTimeSeconds: null,
      notBeforeSeconds: null,
    })
  })

  it.each([
    ['a text that is ours', 'api://databricks', 'ok'],
    ['our second one', 'api://second', 'ok'],
    ['an array with ours', ['other', 'api://databricks'], 'ok'],
    ['an array without ours', ['other', 'api://databricks/'], 'wrong-audience'],
    ['an empty array', [], 'wrong-audience'],
    ['another text', 'other', 'wrong-audience'],
    ['several in one text', 'other api://databricks', 'wrong-audience'],
    ['ours in another case', 'API://databricks', 'wrong-audience'],
    ['nothing', undefined, 'wrong-audience'],
    ['an empty text', '', 'wrong-audience'],
    ['a number', 1, 'malformed-token'],
    ['an object', { 'api://databricks': true }, 'malformed-token'],
    ['an array with a number', ['api://databricks', 1], 'malformed-token'],
    ['an array in an array', [['api://databricks']], 'malformed-token'],
  ])('aud: %s', (_, aud, reason) => {
    expect(reasonOf(read({ aud }))).toBe(reason)
  })

  const badTimes = ['', String(NOW), true, -1, -0.5, 1e300, 2 ** 53, 253_402_300_800, [NOW], {}]
  it.each([
    ...['exp', 'iat', 'nbf', 'auth_time'].flatMap((claim) =>
      badTimes.map((time) => ({ claim, time })),
    ),
    { claim: 'exp', time: null },
    { claim: 'iat', time: null },
  ])('refuses $claim: $time', ({ claim, time }) => {
    expect(reasonOf(read({ [claim]: time }))).toBe('malformed-token')
  })

  it.each([['exp'], ['iat']])('refuses a token without %s', (claim) => {
    expect(reasonOf(read({ [claim]: undefined }))).toBe('malformed-token')
  })

  it.each([
    ['as long as is allowed', { iat: NOW, exp: NOW + 86_400 }, 'ok'],
    ['a moment longer', { iat: NOW, exp: NOW + 86_400.5 }, 'token-lifetime-too-long'],
    ['since 1970', { iat: 0 }, 'token-lifetime-too-long'],
    ['to the year 5138', { exp: 1e11 }, 'token-lifetime-too-long'],
  ])('lifetime: %s', (_, times, reason) => {
    expect(reasonOf(read(times))).toBe(reason)
  })

  it('refuses a sign-in later than the token, which would outrun revocations', () => {
    expect(reasonOf(read({ auth_time: NOW - 55 }))).toBe('ok')
    expect(reasonOf(read({ auth_time: NOW - 54 }))).toBe('malformed-token')
  })

  it.each([
    ['events', { 'http://schemas.openid.net/event/backchannel-logout': {} }],
    ['events', null],
    ['nonce', 'n'],
    ['at_hash', 'h'],
    ['c_hash', 'h'],
  ])('refuses a token with %s: %j, which is no access token', (claim, value) => {
    expect(reasonOf(read({ [claim]: value }))).toBe('wrong-token-type')
  })

  it('takes __proto__ and constructor for names like any other', () => {
    expect(principalOf(read({ sub: '__proto__', jti: 'constructor' }))).toMatchObject({
      subject: '__proto__',
      tokenId: 'constructor',
    })
  })

  it('reads no claim from a __proto__ member', () => {
    const claims = JSON.parse('{"__proto__":{"sub":"admin","groups":["admins"]}}')
    const withoutSub = Object.assign(claims, { ...CLAIMS, sub: undefined })
    delete withoutSub.sub
    const token = {
      text: '',
      signingInput: '',
      algorithm: 'ES256',
      kid: null,
      type: 'jwt',
      issuerUrl: '',
      claims: withoutSub,
    }
    expect(reasonOf(readPrincipal(token, GENERIC, LIMITS))).toBe('malformed-token')
  })

  it.each([
    ['an address', 'alice@example.com', 'alice@example.com'],
    ['two addresses in one (CVE-2026-40574)', 'alice@evil.example@corp.example', null],
    ['no at-sign', 'alice', null],
    ['a line break', 'alice@example.com\r\nX-Forwarded-Groups: admins', null],
    ['outside ASCII', 'alicé@example.com', null],
    ['255 characters', `${'a'.repeat(243)}@example.com`, null],
    ['no text', { toString: 1 }, null],
    ['null', null, null],
  ])('email: %s is shown or not, and never refuses', (_, email, shown) => {
    expect(principalOf(read({ email })).email).toBe(shown)
  })

  it('does not show an address that the issuer calls unverified', () => {
    const claims = { email: 'alice@example.com', email_verified: false }
    expect(principalOf(read(claims)).email).toBeNull()
  })

  it('names a token without jti by its signing input', () => {
    const { tokenId } = principalOf(read({ jti: undefined }))
    expect(tokenId).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('asks for every required scope, in either spelling of the claim', () => {
    const strict = { ...GENERIC, requiredScopes: ['sql', 'jobs'] }
    expect(reasonOf(read({ scope: 'jobs openid sql' }, strict))).toBe('ok')
    expect(reasonOf(read({ scp: ['sql', 'jobs'] }, strict))).toBe('ok')
    expect(reasonOf(read({ scope: 'sql', scp: 'jobs' }, strict))).toBe('ok')
    expect(reasonOf(read({ scope: 'sql' }, strict))).toBe('wrong-token-type')
    expect(reasonOf(read({}, strict))).toBe('wrong-token-type')
    expect(reasonOf(read({ scope: 1 }, strict))).toBe('malformed-token')
  })

  it('looks for groups, email and subject where the operator says', () => {
    const elsewhere = { groups: 'roles', email: 'upn', subject: 'employee' }
    const claims = { roles: ['r'], upn: 'a@b', employee: '42', groups: ['g'], email: 'c@d' }
    const principal = principalOf(read(claims, { ...GENERIC, claims: elsewhere }))
    expect(principal).toMatchObject({ subject: '42', groups: ['r'], email: 'a@b' })
  })
})

describe('a claim that every object inherits', () => {
  it('is absent unless the token has it', () => {
    const issuer = { ...GENERIC, claims: { ...GENERIC.claims, groups: 'constructor' } }
    expect(principalOf(read({}, issuer)).groups).toEqual([])
    expect(principalOf(read({ constructor: ['g'] }, issuer)).groups).toEqual(['g'])
  })
})

describe('refusalAt', () => {
  const principal = principalOf(read({ nbf: NOW - 30 }))

  it.each([
    ['before its end', NOW + 3_599.9, null],
    ['at its end', NOW + 3_600, null],
    ['just before the leeway after its end is over', NOW + 3_659.9, null],
    ['a leeway after its end', NOW + 3_660, 'token-expired'],
    ['after its end', NOW + 1e9, 'token-expired'],
    ['on a clock that is not a number', Number.NaN, 'token-expired'],
  ])('%s', (_, now, reason) => {
    expect(refusalAt(principal, now, LIMITS)?.reason ?? null).toBe(reason)
  })

  it('grants the leeway before nbf', () => {
    const ahead = principalOf(read({ nbf: NOW + 60 }))
    expect(refusalAt(ahead, NOW, LIMITS)).toBeNull()
    const refusal = { ok: false, reason: 'token-not-yet-valid', claim: 'nbf' }
    expect(refusalAt(ahead, NOW - 0.5, LIMITS)).toEqual(refusal)
  })

  it('refuses a token issued further ahead than the clock skew, whatever the leeway', () => {
    const issuedAhead = principalOf(read({ iat: NOW }))
    expect(refusalAt(issuedAhead, NOW - 5, LIMITS)).toBeNull()
    const refusal = { ok: false, reason: 'token-not-yet-valid', claim: 'iat' }
    expect(refusalAt(issuedAhead, NOW - 6, LIMITS)).toEqual(refusal)
  })

  it('accepts nothing before a revocation that the revocation does not refuse', () => {
    const key = revocationKey({ kind: 'subject', subject: 'idp|alice' })
    const { clockSkewSeconds } = LIMITS
    for (let ahead = -10; ahead <= 90; ahead += 1) {
      const token = principalOf(read({ iat: NOW + ahead, exp: NOW + 600 }))
      const isAccepted = refusalAt(token, NOW, LIMITS) === null
      const survives = !isRefused(key, storedText(String(NOW)), NOW + ahead, clockSkewSeconds)
      expect([ahead, isAccepted && survives]).toEqual([ahead, false])
    }
  })
})
