import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Algorithm } from '../../src/domain/issuer-options.ts'
import { CLAIMS, GENERIC, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createBench } from './token-verifier-fixture.ts'

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
    const bench = createBench({ issuers: [{ ...GENERIC, algorithms: [algorithm] }] })
    bench.publish([key])
    const token = await new SignJWT({ ...CLAIMS })
      .setProtectedHeader({ alg: algorithm, kid: 'k' })
      .sign(key.privateKey)
    const result = await bench.verifier.verify(token, NOW)
    expect(result).toMatchObject({ ok: true, value: { issuer: 'idp', subject: 'alice' } })
    expect(bench.observed).toEqual(['miss', 'idp ok'])
  })

  it.each([['JWT'], ['jwt'], ['at+jwt'], ['AT+JWT'], ['application/at+jwt'], [undefined]])(
    'may have typ %s',
    async (typ) => {
      const bench = createBench()
      bench.publish([es])
      expect(await bench.reason(mint(es, CLAIMS, { typ }))).toBe('ok')
    },
  )

  it('may be 30 KB long', async () => {
    const bench = createBench()
    bench.publish([es])
    const token = mint(es, { ...CLAIMS, padding: 'x'.repeat(22_000) })
    expect(token.length).toBeGreaterThan(29_000)
    expect(await bench.reason(token)).toBe('ok')
  })
})

describe('createTokenVerifier', () => {
  it.each([
    ['alias', { ...GENERIC, issuer: 'https://other.example' }],
    ['iss', { ...GENERIC, alias: 'other' }],
  ])('throws when two issuers share an %s', (_, other) => {
    expect(() => createBench({ issuers: [GENERIC, other] })).toThrow(RangeError)
  })

  it('keeps the keys of issuers apart', async () => {
    const bench = createBench({
      issuers: [GENERIC, { ...GENERIC, alias: 'other', issuer: 'https://other.example' }],
    })
    bench.publish([es])
    bench.publish([stranger], 'other')
    const claims = { ...CLAIMS, iss: 'https://other.example' }
    expect(await bench.reason(mint(es, claims))).toBe('bad-signature')
    expect(await bench.reason(mint(stranger, claims))).toBe('ok')
    expect(await bench.reason(mint(stranger, CLAIMS))).toBe('bad-signature')
  })
})
