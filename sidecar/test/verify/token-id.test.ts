import { beforeAll, describe, expect, it } from 'vitest'
import { CLAIMS, GENERIC, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createFixture } from './token-verifier-fixture.ts'

let es: SigningKey
let rs: SigningKey

beforeAll(async () => {
  es = await signingKey('es')
  rs = await signingKey('rs', 'RS256')
})

describe('the id of a token without jti', () => {
  it('is the same for every spelling of its signature', async () => {
    const fixture = createFixture({ issuers: [{ ...GENERIC, algorithms: ['RS256', 'ES256'] }] })
    fixture.publish([es, rs])
    const claims = { ...CLAIMS, jti: undefined }
    const spellings = [
      ...respell(mint(rs, claims)),
      ...respell(mint(rs, { ...claims, sub: 'bob' })),
    ]
    const ids = new Map<string, Set<string>>()
    for (const token of spellings) {
      const result = await fixture.verifier.verify(token, NOW)
      if (!result.ok) continue
      const { subject, tokenId } = result.value
      ids.set(subject, (ids.get(subject) ?? new Set()).add(tokenId))
    }
    expect([...ids].map(([subject, known]) => [subject, known.size])).toEqual([
      ['alice', 1],
      ['bob', 1],
    ])
    expect(fixture.observed.filter((what) => what === 'idp ok').length).toBeGreaterThan(2)
  })

  it('is the same for both signatures that an ES256 signature can be turned into', async () => {
    const fixture = createFixture()
    fixture.publish([es])
    const token = mint(es, { ...CLAIMS, jti: undefined })
    const [first, second] = [
      await fixture.verifier.verify(token, NOW),
      await fixture.verifier.verify(mirrored(token), NOW),
    ]
    expect(mirrored(token)).not.toBe(token)
    expect(first).toMatchObject({ ok: true })
    expect(second).toEqual(first)
  })
})

/** The token with each last character whose unused bits a lenient decoder ignores. */
function respell(token: string): readonly string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return Array.from(alphabet, (last) => token.slice(0, -1) + last)
}

/** The token with (r, n - s) for its (r, s), which verifies as well. */
function mirrored(token: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const at = token.lastIndexOf('.') + 1
  const signature = Buffer.from(token.slice(at), 'base64url')
  const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const twin = Buffer.from(s.toString(16).padStart(64, '0'), 'hex')
  return token.slice(0, at) + Buffer.concat([signature.subarray(0, 32), twin]).toString('base64url')
}
