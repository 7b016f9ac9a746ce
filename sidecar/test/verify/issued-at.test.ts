import { expect, it } from 'vitest'
import { issuedAtOf } from '../../src/verify/sign-in-tokens.ts'
import { CLAIMS, mint, NOW, signingKey } from './token-fixture.ts'

it.each([
  ['says when', CLAIMS, NOW - 60],
  ['says nothing', { ...CLAIMS, iat: undefined }, null],
  ['says it in words', { ...CLAIMS, iat: 'now' }, null],
])('tells when a token was issued that %s', async (_, claims, expected) => {
  expect(issuedAtOf(mint(await signingKey('k1'), claims))).toBe(expected)
})

it('a text that is no token has no time of issue', () => {
  expect(issuedAtOf('opaque')).toBeNull()
})
