import { beforeAll, describe, expect, it } from 'vitest'
import type { Result } from '../../src/domain/result.ts'
import type { TrustedIssuer } from '../../src/verify/trusted-issuer.ts'
import {
  CLAIMS,
  type Claims,
  GENERIC,
  mint,
  NOW,
  type SigningKey,
  signingKey,
} from './token-fixture.ts'
import { createFixture, type Fixture } from './token-verifier-fixture.ts'

const CLIENT = 'brickgate-signin'
/**
 * An issuer whose access tokens are for the client that asks for them, with every mark admitted.
 */
const DEX: TrustedIssuer = {
  ...GENERIC,
  audiences: ['api://databricks', CLIENT],
  admittedClaims: ['nonce', 'at_hash'],
  signInClient: CLIENT,
}
const REFUSED = 'wrong-token-type aud'

let key: SigningKey

beforeAll(async () => {
  key = await signingKey('k1')
})

function fixtureOf(changes: Partial<TrustedIssuer> = {}): Fixture {
  const fixture = createFixture({ issuers: [{ ...DEX, ...changes }] })
  fixture.publish([key])
  return fixture
}

function outcomeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : `${result.reason} ${result.claim ?? '-'}`
}

describe('a token for the sign-in’s client', () => {
  it.each<[title: string, claims: Claims]>([
    ['alone', { aud: CLIENT }],
    ['among others', { aud: ['api://databricks', CLIENT] }],
    ['with all the marks of an ID token', { aud: CLIENT, nonce: 'n', at_hash: 'h' }],
    ['as the authorized party, too', { aud: CLIENT, azp: CLIENT }],
  ])('is refused from a caller, and accepted from the issuer: %s', async (_, claims) => {
    const { verifier } = fixtureOf()
    const token = mint(key, { ...CLAIMS, ...claims })
    // in every order, so that no verdict remembered of one counts for the other
    expect(outcomeOf(await verifier.verify(token, NOW))).toBe(REFUSED)
    expect(outcomeOf(await verifier.verifyGranted(token, NOW))).toBe('ok')
    expect(outcomeOf(await verifier.verify(token, NOW))).toBe(REFUSED)
  })

  it('is refused from a caller while the issuer’s is being verified', async () => {
    const { verifier } = fixtureOf()
    const token = mint(key, { ...CLAIMS, aud: CLIENT })
    const granted = verifier.verifyGranted(token, NOW)
    const presented = verifier.verify(token, NOW)
    expect(outcomeOf(await granted)).toBe('ok')
    expect(outcomeOf(await presented)).toBe(REFUSED)
  })

  it('is accepted from a caller when its own type says that it is an access token', async () => {
    for (const typ of ['at+jwt', 'application/AT+JWT']) {
      const token = mint(key, { ...CLAIMS, aud: CLIENT }, { typ })
      expect(outcomeOf(await fixtureOf().verifier.verify(token, NOW))).toBe('ok')
    }
  })

  it('is accepted where claims that no ID token has are required anyway', async () => {
    const { verifier } = fixtureOf({ preset: 'databricks' })
    const access = mint(key, { ...CLAIMS, aud: CLIENT, scope: 'sql' })
    const idToken = mint(key, { ...CLAIMS, aud: CLIENT })
    expect(outcomeOf(await verifier.verify(access, NOW))).toBe('ok')
    expect(outcomeOf(await verifier.verify(idToken, NOW))).toBe('wrong-token-type scope')
  })
})

it('a token whose use says that it is an access token is accepted for the sign-in’s client', async () => {
  const { verifier } = fixtureOf({ audienceClaim: 'client_id' })
  const claims = { ...CLAIMS, aud: CLIENT, client_id: CLIENT }
  const token = mint(key, { ...claims, token_use: 'access' })
  expect(outcomeOf(await verifier.verify(token, NOW))).toBe('ok')
  const idToken = mint(key, { ...claims, token_use: 'id' })
  expect(outcomeOf(await verifier.verify(idToken, NOW))).toBe('wrong-token-type token_use')
})

it('a token for another audience is accepted from a caller', async () => {
  expect(outcomeOf(await fixtureOf().verifier.verify(mint(key, CLAIMS), NOW))).toBe('ok')
})

it.each<[claims: Claims, expected: string]>([
  [{ aud: 'other' }, 'wrong-audience aud'],
  [{ cnf: { jkt: 'x' } }, 'sender-constrained-token cnf'],
  [{ events: {} }, 'wrong-token-type events'],
  [{ exp: NOW - 60 }, 'token-expired exp'],
])('a token that the issuer sent is refused like any other: %j', async (claims, expected) => {
  const token = mint(key, { ...CLAIMS, ...claims })
  expect(outcomeOf(await fixtureOf().verifier.verifyGranted(token, NOW))).toBe(expected)
})
