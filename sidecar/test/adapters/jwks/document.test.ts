import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJwks } from '../../../src/adapters/jwks/document.ts'

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const EC = publicJwk('P-256')
const ED = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })

function publicJwk(namedCurve: string): object {
  return generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
}

describe('readJwks', () => {
  it.each([
    ['RSA', RSA, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['RSA for one algorithm', { ...RSA, alg: 'RS256' }, ['RS256']],
    ['P-256', EC, ['ES256']],
    ['P-384', publicJwk('P-384'), ['ES384']],
    ['P-521', publicJwk('P-521'), ['ES512']],
    ['Ed25519', ED, ['EdDSA', 'Ed25519']],
    ['one with use', { ...EC, use: 'sig' }, ['ES256']],
    ['one with operations', { ...EC, key_ops: ['verify'] }, ['ES256']],
  ])('keeps a key: %s', (_, jwk, algorithms) => {
    const { keys, warnings } = readJwks({ keys: [{ ...jwk, kid: 'k' }] })
    expect(keys).toMatchObject([{ kid: 'k', algorithms }])
    expect(warnings).toEqual([])
  })

  it.each([
    ['for encryption', { ...RSA, use: 'enc' }],
    ['for other operations', { ...EC, key_ops: ['deriveBits'] }],
    ['for an encryption algorithm', { ...RSA, alg: 'RSA-OAEP' }],
    ['for a MAC algorithm', { ...RSA, alg: 'HS256' }],
    ['for another curve’s algorithm', { ...EC, alg: 'ES384' }],
    ['of an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' }],
    ['on an unknown curve', { ...EC, crv: 'secp256k1' }],
    ['on a curve __proto__', { ...EC, crv: '__proto__' }],
  ])('leaves out a key %s', (_, jwk) => {
    expect(readJwks({ keys: [jwk] })).toEqual({ keys: [], warnings: [] })
  })

  it.each([
    ['a private key', generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['a symmetric key that says it is public', { ...EC, k: 'AAAA' }],
    ['an RSA key of 1024 bits', shortRsa()],
    ['a point that is not on the curve', { ...EC, x: 'A'.repeat(43) }],
    ['a curve of another type', { ...EC, kty: 'OKP' }],
    ['an RSA key without n', { ...RSA, n: undefined }],
    ['an RSA key with a number for n', { ...RSA, n: 5 }],
    ['a kid that is a number', { ...EC, kid: 1 }],
    ['no object', 'key'],
    ['null', null],
  ])('drops %s with a warning, and keeps the others', (_, jwk) => {
    const { keys, warnings } = readJwks({ keys: [jwk, { ...EC, kid: 'good' }] })
    expect(keys.map((key) => key.kid)).toEqual(['good'])
    expect(warnings).toHaveLength(1)
  })

  it('keeps only public members, in an order that the issuer does not choose', () => {
    const extra = { x5c: ['AA'], kid: 'k', use: 'sig' }
    const reversed = Object.fromEntries(Object.entries({ ...RSA, ...extra }).toReversed())
    const [one] = readJwks({ keys: [{ ...RSA, ...extra }] }).keys
    const [two] = readJwks({ keys: [reversed] }).keys
    expect(JSON.stringify(one)).toBe(JSON.stringify(two))
    expect(Object.keys(one?.material ?? {})).toEqual(['kty', 'n', 'e'])
  })

  it('puts nothing of a private key into its warning', () => {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
    const { warnings } = readJwks({ keys: [{ ...jwk, kid: `k${'x'.repeat(100)}` }] })
    expect(warnings[0]).not.toContain(jwk.d)
    expect(warnings[0]?.length).toBeLessThan(120)
  })

  it.each([[null], [[]], ['keys'], [{}], [{ keys: {} }], [{ keys: 'a' }]])(
    'throws for %j, which is no JWK Set',
    (document) => {
      expect(() => readJwks(document)).toThrow(TypeError)
    },
  )

  it('never throws for a key, whatever it is', () => {
    const member = fc.oneof(fc.jsonValue(), fc.record({ kty: fc.constantFrom('RSA', 'EC', 'OKP') }))
    fc.assert(
      fc.property(fc.array(member), (keys) => {
        expect(readJwks({ keys }).keys).toEqual([])
      }),
    )
  })
})

function shortRsa(): object {
  return generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
}
