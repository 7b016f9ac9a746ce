import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Algorithm } from '../../src/domain/issuer-options.ts'
import { CLAIMS, GENERIC, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createFixture } from './token-verifier-fixture.ts'

let es: SigningKey
let stranger: SigningKey

beforeAll(async () => {
  es = await signingKey('es')
  stranger = await signingKey('es')
})

describe('a good token', () => {
  it.each<[Algorithm]>([
    ['RS256'],
    ['RS512'],
    ['PS256'],
    ['PS384'],
    ['ES256'],
    ['ES384'],
    ['ES512'],
    ['EdDSA'],
    ['Ed25519'],
  ])('verifies with %s', async (algorithm) => {
    const key = await signingKey('k', algorithm)
    const fixture = createFixture({ issuers: [{ ...GENERIC, algorithms: [algorithm] }] })
    fixture.publish([key])
    const token = await new SignJWT({ ...CLAIMS })
      .setProtectedHeader({ alg: algorithm, kid: 'k' })
      .sign(key.privateKey)
    const result = await fixture.verifier.verify(token, NOW)
    expect(result).toMatchObject({ ok: true, value: { issuerName: 'idp', subject: 'alice' } })
    expect(fixture.observed).toEqual(['miss', 'idp ok'])
  })

  it.each([['JWT'], ['jwt'], ['at+jwt'], ['AT+JWT'], ['application/at+jwt'], [undefined]])(
    'may have typ %s',
    async (typ) => {
      const fixture = createFixture()
      fixture.publish([es])
      expect(await fixture.reason(mint(es, CLAIMS, { typ }))).toBe('ok')
    },
  )

  it('may be 30 KB long', async () => {
    const fixture = createFixture()
    fixture.publish([es])
    const token = mint(es, { ...CLAIMS, padding: 'x'.repeat(22_000) })
    expect(token.length).toBeGreaterThan(29_000)
    expect(await fixture.reason(token)).toBe('ok')
  })
})

describe('createTokenVerifier', () => {
  it.each([
    ['name', { ...GENERIC, issuerUrl: 'https://other.example' }],
    ['iss', { ...GENERIC, issuerName: 'other' }],
  ])('throws when two issuers share an %s', (_, other) => {
    expect(() => createFixture({ issuers: [GENERIC, other] })).toThrow(RangeError)
  })

  it('keeps the keys of issuers apart', async () => {
    const fixture = createFixture({
      issuers: [GENERIC, { ...GENERIC, issuerName: 'other', issuerUrl: 'https://other.example' }],
    })
    fixture.publish([es])
    fixture.publish([stranger], 'other')
    const claims = { ...CLAIMS, iss: 'https://other.example' }
    expect(await fixture.reason(mint(es, claims))).toBe('bad-signature')
    expect(await fixture.reason(mint(stranger, claims))).toBe('ok')
    expect(await fixture.reason(mint(stranger, CLAIMS))).toBe('bad-signature')
  })
})
