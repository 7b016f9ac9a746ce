import type { Principal } from '../domain/principal.ts'
import { subjectKey } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { ExpectedNonce, Identification } from '../verify/id-token.ts'
import type { SignInTokens } from '../verify/sign-in-tokens.ts'
import type { TokenVerifier } from '../verify/token-verifier.ts'
import type { ProviderTokens } from './openid-provider.ts'

/** The verified identity in the tokens of a sign-in or a refresh. */
export interface SignedInIdentity {
  readonly principal: Principal
  /**
   * null unless the token is a JWT for the configured audiences: only verified tokens are forwarded
   */
  readonly accessToken: Session['accessToken']
  /** why there is no access token; null with an access token */
  readonly unusable: DenyReason | null
}

export interface IdentityDeps {
  readonly tokens: SignInTokens
  readonly verifier: TokenVerifier
  /** called with the reason why an access token of the provider is not forwarded */
  readonly onUnusable: (reason: DenyReason) => void
}

/**
 * Identifies the person by the ID token. The access token adds its id, so that revoking it ends the
 * session, and the groups where the ID token has none.
 *
 * @returns a refusal when a token does not verify, or the tokens have different subjects
 */
export async function identify(
  given: ProviderTokens,
  expected: ExpectedNonce,
  nowSeconds: number,
  deps: IdentityDeps,
): Promise<Result<SignedInIdentity>> {
  if (given.idToken === null) return refuse('malformed-token')
  const who = await deps.tokens.idToken(given.idToken, expected, nowSeconds)
  if (!who.ok) return who
  const access = await deps.verifier.verifyGranted(given.accessToken, nowSeconds)
  if (access.ok) return together(who.value, access.value, given, nowSeconds)
  if (access.reason === 'keys-unavailable') return access
  deps.onUnusable(access.reason)
  if (who.value.groups === 'elsewhere') return refuse('groups-unknown')
  return ok({ principal: who.value.principal, accessToken: null, unusable: access.reason })
}

function together(
  { principal, groups }: Identification,
  access: Principal,
  given: ProviderTokens,
  nowSeconds: number,
): Result<SignedInIdentity> {
  // INVARIANT: the forwarded token has the subject of the session. Otherwise the workspace would
  // act for another person.
  if (subjectKey(access) !== subjectKey(principal)) return refuse('wrong-token-type')
  return ok({
    principal: {
      ...principal,
      tokenId: access.tokenId,
      email: principal.email ?? access.email,
      groups: groups === 'listed' ? principal.groups : access.groups,
    },
    accessToken: accessTokenOf(given, access, nowSeconds),
    unusable: null,
  })
}

/** @returns the access token with the earlier of its own expiry and the provider's */
export function accessTokenOf(
  { accessToken, expiresInSeconds }: ProviderTokens,
  { expiresAtSeconds, tokenId }: Pick<Principal, 'expiresAtSeconds' | 'tokenId'>,
  nowSeconds: number,
): SessionToken {
  const statedEndSeconds = nowSeconds + (expiresInSeconds ?? Number.POSITIVE_INFINITY)
  return {
    token: accessToken,
    expiresAtSeconds: Math.min(expiresAtSeconds, statedEndSeconds),
    tokenId,
  }
}
