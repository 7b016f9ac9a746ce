import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { exportSPKI, importJWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  CLAIMS,
  GENERIC,
  ISSUER,
  mint,
  NOW,
  type SigningKey,
  signingKey,
  signTexts,
} from './token-fixture.ts'
import { createFixture } from './token-verifier-fixture.ts'

let es: SigningKey
let rs: SigningKey
let stranger: SigningKey

beforeAll(async () => {
  es = await signingKey('es')
  rs = await signingKey('rs', 'RS256')
  stranger = await signingKey('es')
})

const HEADER = '{"alg":"ES256","kid":"es"}'

describe('a hostile token', () => {
  const claims = JSON.stringify(CLAIMS)
  const notUtf8 = Buffer.from(`{"x":"\xff",${claims.slice(1)}`, 'latin1')
  const rows: readonly [string, string, () => string][] = [
    ['nothing', 'malformed-token', () => ''],
    ['a personal access token', 'malformed-token', () => 'dapi0123456789abcdef'],
    ['dots alone', 'malformed-token', () => '..'],
    ['two parts', 'malformed-token', () => 'e30.e30'],
    ['four parts', 'malformed-token', () => `${mint(es, CLAIMS)}.e30`],
    ['five parts, a JWE', 'malformed-token', () => 'e30.e30.e30.e30.e30'],
    ['a space at the end', 'malformed-token', () => `${mint(es, CLAIMS)} `],
    ['a line break at the end', 'malformed-token', () => `${mint(es, CLAIMS)}\n`],
    ['padding', 'malformed-token', () => `${mint(es, CLAIMS)}=`],
    ['a NUL', 'malformed-token', () => mint(es, CLAIMS).replace('.', '\0.')],
    ['outside ASCII', 'malformed-token', () => mint(es, CLAIMS).replace('.', 'é.')],
    ['64 KB', 'malformed-token', () => mint(es, { ...CLAIMS, x: 'x'.repeat(48_000) })],
    ['64 KB of dots', 'malformed-token', () => '.'.repeat(65_536)],
    ['32 KB and one', 'malformed-token', () => 'a'.repeat(32_769)],
    ['claims that are not UTF-8', 'malformed-token', () => signTexts(es, HEADER, notUtf8)],
    ['a byte order mark', 'malformed-token', () => signTexts(es, HEADER, `\ufeff${claims}`)],
    ['claims that are no JSON', 'malformed-token', () => signTexts(es, HEADER, 'alice')],
    ['claims that are an array', 'malformed-token', () => signTexts(es, HEADER, `[${claims}]`)],
    ['a header that is null', 'malformed-token', () => signTexts(es, 'null', claims)],
    ['no alg', 'malformed-token', () => mint(es, CLAIMS, { alg: undefined })],
    ['alg that is a list', 'malformed-token', () => mint(es, CLAIMS, { alg: ['ES256'] })],
    ['kid that is a number', 'malformed-token', () => mint(es, CLAIMS, { kid: 1 })],
    ['kid that is an object', 'malformed-token', () => mint(es, CLAIMS, { kid: {} })],
    ['kid twice', 'malformed-token', () => signTexts(es, `{"kid":"x",${HEADER.slice(1)}`, claims)],
    [
      'alg twice',
      'malformed-token',
      () => signTexts(es, `{"alg":"none",${HEADER.slice(1)}`, claims),
    ],
    ['sub twice', 'malformed-token', () => signTexts(es, HEADER, `{"sub":"x",${claims.slice(1)}`)],
    ['exp twice', 'malformed-token', () => signTexts(es, HEADER, `{"exp":1,${claims.slice(1)}`)],
    ['an unknown crit', 'malformed-token', () => mint(es, CLAIMS, { crit: ['x'], x: 1 })],
    ['crit b64', 'malformed-token', () => mint(es, CLAIMS, { crit: ['b64'], b64: true })],
    ['an empty crit', 'malformed-token', () => mint(es, CLAIMS, { crit: [] })],
    ['typ that is a number', 'malformed-token', () => mint(es, CLAIMS, { typ: 1 })],
    ['typ logout+jwt', 'wrong-token-type', () => mint(es, CLAIMS, { typ: 'logout+jwt' })],
    ['typ LOGOUT+JWT', 'wrong-token-type', () => mint(es, CLAIMS, { typ: 'LOGOUT+JWT' })],
    ['typ secevent+jwt', 'wrong-token-type', () => mint(es, CLAIMS, { typ: 'secevent+jwt' })],
    [
      'typ application/secevent+jwt',
      'wrong-token-type',
      () => mint(es, CLAIMS, { typ: 'application/secevent+jwt' }),
    ],
    ['typ dpop+jwt', 'wrong-token-type', () => mint(es, CLAIMS, { typ: 'dpop+jwt' })],
    ['typ kb+jwt', 'wrong-token-type', () => mint(es, CLAIMS, { typ: 'kb+jwt' })],
    ['an empty typ', 'wrong-token-type', () => mint(es, CLAIMS, { typ: '' })],
    ['an events claim', 'wrong-token-type', () => mint(es, { ...CLAIMS, events: {} })],
    ['a nonce', 'wrong-token-type', () => mint(es, { ...CLAIMS, nonce: 'n' })],
    ['no iss', 'malformed-token', () => mint(es, { ...CLAIMS, iss: undefined })],
    ['a list of iss', 'malformed-token', () => mint(es, { ...CLAIMS, iss: [ISSUER] })],
    ['another iss', 'unknown-issuer', () => mint(es, { ...CLAIMS, iss: 'https://evil.example' })],
    ['iss with a slash more', 'unknown-issuer', () => mint(es, { ...CLAIMS, iss: `${ISSUER}/` })],
    [
      'iss in upper case',
      'unknown-issuer',
      () => mint(es, { ...CLAIMS, iss: 'HTTPS://idp.example' }),
    ],
    ['iss __proto__', 'unknown-issuer', () => mint(es, { ...CLAIMS, iss: '__proto__' })],
    ['alg none', 'algorithm-not-allowed', () => mint(es, CLAIMS, { alg: 'none' })],
    [
      'alg none without signature',
      'algorithm-not-allowed',
      () => mint(es, CLAIMS, { alg: 'none' }).replace(/[^.]*$/, ''),
    ],
    ['alg None', 'algorithm-not-allowed', () => mint(es, CLAIMS, { alg: 'None' })],
    ['alg es256', 'algorithm-not-allowed', () => mint(es, CLAIMS, { alg: 'es256' })],
    ['alg __proto__', 'algorithm-not-allowed', () => mint(es, CLAIMS, { alg: '__proto__' })],
    ['an algorithm of other issuers', 'algorithm-not-allowed', () => mint(rs, CLAIMS)],
    ['no signature', 'bad-signature', () => mint(es, CLAIMS).replace(/[^.]*$/, '')],
    ['a signature of one byte', 'bad-signature', () => mint(es, CLAIMS).replace(/[^.]*$/, 'AA')],
    ['a signature of 65 bytes', 'bad-signature', () => `${mint(es, CLAIMS).slice(0, -2)}AAAA`],
    [
      'a signature of zeros',
      'bad-signature',
      () => mint(es, CLAIMS).replace(/[^.]*$/, 'A'.repeat(86)),
    ],
    [
      'a signature that is no base64',
      'malformed-token',
      () => mint(es, CLAIMS).replace(/[^.]*$/, 'A'),
    ],
    ['a stranger’s key with our kid', 'bad-signature', () => mint(stranger, CLAIMS)],
    ['another key id', 'unknown-key', () => mint(es, CLAIMS, { kid: 'other' })],
    ['kid __proto__', 'unknown-key', () => mint(es, CLAIMS, { kid: '__proto__' })],
    ['an empty kid', 'unknown-key', () => mint(es, CLAIMS, { kid: '' })],
    ['exp 1e300', 'malformed-token', () => mint(es, { ...CLAIMS, exp: 1e300 })],
    [
      'exp 1e999, which JSON reads as infinite',
      'malformed-token',
      () => signTexts(es, HEADER, claims.replace(/"exp":\d+/, '"exp":1e999')),
    ],
    ['no exp', 'malformed-token', () => mint(es, { ...CLAIMS, exp: undefined })],
    ['no iat', 'malformed-token', () => mint(es, { ...CLAIMS, iat: undefined })],
    ['an aud list without ours', 'wrong-audience', () => mint(es, { ...CLAIMS, aud: ['a', 'b'] })],
    ['a subject with a tab', 'malformed-token', () => mint(es, { ...CLAIMS, sub: 'alice\tb' })],
    [
      'a subject of 300 bytes',
      'malformed-token',
      () => mint(es, { ...CLAIMS, sub: 'x'.repeat(300) }),
    ],
    [
      'a subject only in __proto__',
      'malformed-token',
      () => signTexts(es, HEADER, claims.replace('"sub":"alice"', '"__proto__":{"sub":"alice"}')),
    ],
    ['a past end', 'token-expired', () => mint(es, { ...CLAIMS, exp: NOW - 60 })],
    ['nbf ahead', 'token-not-yet-valid', () => mint(es, { ...CLAIMS, nbf: NOW + 61 })],
    ['iat ahead', 'token-not-yet-valid', () => mint(es, { ...CLAIMS, iat: NOW + 6 })],
    ['a long life', 'token-lifetime-too-long', () => mint(es, { ...CLAIMS, iat: NOW - 86_400 })],
  ]

  it.each(rows)('with %s is refused: %s', async (_, reason, makeToken) => {
    const fixture = createFixture()
    fixture.publish([es, rs])
    expect(await fixture.reason(makeToken())).toBe(reason)
    expect(fixture.observed.at(-1)).toContain(reason)
    expect(fixture.unexpected).toEqual([])
  })

  it('signed with HS256 and the public key for a secret is refused', async () => {
    const publicKey = await importJWK({ ...rs.jwk }, 'RS256', { extractable: true })
    if (publicKey instanceof Uint8Array) throw new Error('not a public key')
    const pem = await exportSPKI(publicKey)
    const header = '{"alg":"HS256","kid":"rs"}'
    const input = [header, JSON.stringify(CLAIMS)].map((text) =>
      Buffer.from(text).toString('base64url'),
    )
    const forged = [JSON.stringify(rs.jwk), pem].map((secret) => {
      const mac = createHmac('sha256', secret).update(input.join('.')).digest('base64url')
      return [...input, mac].join('.')
    })
    const fixture = createFixture({ issuers: [{ ...GENERIC, algorithms: ['RS256', 'ES256'] }] })
    fixture.publish([rs, es])
    for (const token of forged) expect(await fixture.reason(token)).toBe('algorithm-not-allowed')
  })

  it('that brings its own key is judged by the issuer’s', async () => {
    const fixture = createFixture()
    fixture.publish([es])
    const own = { jwk: stranger.jwk, jku: 'https://evil.example/keys', x5c: ['AA'] }
    expect(await fixture.reason(mint(stranger, CLAIMS, own))).toBe('bad-signature')
    expect(await fixture.reason(mint(stranger, CLAIMS, { ...own, kid: undefined }))).toBe(
      'bad-signature',
    )
  })

  it('with one character changed anywhere is refused or is the same token', async () => {
    const fixture = createFixture()
    fixture.publish([es])
    const token = mint(es, CLAIMS)
    const signatureAt = token.lastIndexOf('.')
    const change = fc.tuple(fc.nat(token.length - 1), fc.stringMatching(/^[\w.-]$/))
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1)
        const result = await fixture.verifier.verify(changed, NOW)
        const mayPass = at > signatureAt || changed === token
        expect(mayPass || !result.ok).toBe(true)
      }),
      { numRuns: 200 },
    )
    expect(fixture.unexpected).toEqual([])
  })

  it('of any text is refused without an internal error', async () => {
    const fixture = createFixture()
    fixture.publish([es])
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    )
    const token = fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.'))
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        expect(await fixture.reason(text)).toMatch(/^(malformed-token|wrong-token-type)$/)
      }),
    )
  })
})
