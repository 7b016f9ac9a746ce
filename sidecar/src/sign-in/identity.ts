import type { Principal } from '../domain/principal.ts'
import { subjectKey } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { ExpectedNonce, Identification } from '../verify/id-token.ts'
import type { SignInTokens } from '../verify/sign-in-tokens.ts'
import type { TokenVerifier } from '../verify/token-verifier.ts'
import type { ProviderTokens } from './openid-provider.ts'

/** The identity in the tokens of a sign-in or a refresh, verified. */
export interface SignedInIdentity {
  readonly principal: Principal
  /** null unless it is a JWT for our audiences: only verified tokens are forwarded */
  readonly accessToken: Session['accessToken']
  /** why there is no access token; null when there is one */
  readonly unusable: DenyReason | null
}

export interface IdentityDeps {
  readonly tokens: SignInTokens
  readonly verifier: TokenVerifier
  /** told why an access token of the provider will not be forwarded */
  readonly onUnusable: (reason: DenyReason) => void
}

/**
 * Who signed in, by the ID token; the access token adds its id, so that revoking it ends the session, and
 * the groups where the ID token has none.
 *
 * @returns refuses when a token does not verify, or the two speak of different people
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
  // INVARIANT: what goes to the workspace speaks for the person whose session it is.
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

/** @returns the access token until the earlier of what it says itself and what the provider says */
export function accessTokenOf(
  { accessToken, expiresInSeconds }: ProviderTokens,
  { expiresAtSeconds, tokenId }: Pick<Principal, 'expiresAtSeconds' | 'tokenId'>,
  nowSeconds: number,
): SessionToken {
  const told = nowSeconds + (expiresInSeconds ?? Number.POSITIVE_INFINITY)
  return { token: accessToken, expiresAtSeconds: Math.min(expiresAtSeconds, told), tokenId }
}
