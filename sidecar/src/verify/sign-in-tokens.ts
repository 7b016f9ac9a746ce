import type { DenyReason } from '../domain/reason.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { createClaimReader } from './claim-reader.ts'
import { type CompactToken, parseCompactToken } from './compact-token.ts'
import {
  type ExpectedNonce,
  type Identification,
  type RelyingParty,
  readIdToken,
} from './id-token.ts'
import { createKeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'
import { type LogoutOrder, readLogoutToken } from './logout-token.ts'
import { createSignatureCheck } from './signature.ts'

/** Verifies the sign-in issuer's tokens about people, with the same keys as their access tokens. */
export interface SignInTokens {
  idToken(
    text: string,
    expected: ExpectedNonce,
    nowSeconds: number,
  ): Promise<Result<Identification>>
  logoutToken(text: string, nowSeconds: number): Promise<Result<LogoutOrder>>
  /** Whether an already verified token lists the groups of its person, even an empty list. */
  listsGroups(text: string): boolean
}

export interface SignInTokensParts extends RelyingParty {
  readonly keys: KeySource
  /** called with the cause of every `internal-error` */
  readonly onUnexpected: (error: unknown) => void
}

/** Nothing is cached: each of these tokens is verified once. */
export function createSignInTokens(parts: SignInTokensParts): SignInTokens {
  const checkSignature = createSignatureCheck({ ...parts, ring: createKeyRing(parts.keys) })
  return {
    idToken: async (text, expected, nowSeconds) => {
      const token = await signed(text, 'id')
      return token.ok ? readIdToken(token.value, parts, expected, nowSeconds) : token
    },
    logoutToken: async (text, nowSeconds) => {
      const token = await signed(text, 'logout')
      return token.ok ? readLogoutToken(token.value, parts, nowSeconds) : token
    },
    listsGroups: (text) => {
      const token = parseCompactToken(text)
      return token.ok && createClaimReader(token.value.claims).has(parts.issuer.claims.groups)
    },
  }

  async function signed(text: string, use: 'id' | 'logout'): Promise<Result<CompactToken>> {
    const token = parseCompactToken(text, use)
    if (!token.ok) return token
    if (token.value.issuerUrl !== parts.issuer.issuerUrl) return refuse('unknown-issuer')
    const signature = await checkSignature(token.value, parts.issuer)
    return signature.ok ? ok(token.value) : signature
  }
}

/** The nonce of an ID token that was verified when it came; null without a nonce. */
export function nonceOf(idToken: string): string | null {
  const token = parseCompactToken(idToken, 'id')
  const nonce = token.ok ? token.value.claims['nonce'] : null
  return typeof nonce === 'string' ? nonce : null
}

/** When an already verified token was issued, in epoch seconds; null without this time. */
export function issuedAtOf(accessToken: string): number | null {
  const token = parseCompactToken(accessToken)
  const issuedAt = token.ok ? token.value.claims['iat'] : null
  return typeof issuedAt === 'number' ? issuedAt : null
}

/** Whether a refusal concerns keys or Redis, and not the token. */
export function isOutage(reason: DenyReason): boolean {
  return reason === 'keys-unavailable' || reason === 'state-unavailable'
}
