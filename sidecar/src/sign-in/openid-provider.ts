import type { Tier } from '../domain/tier.ts'

/** The unverified tokens from the provider's token endpoint. They are never logged. */
export interface ProviderTokens {
  readonly accessToken: string
  /** from now on; null when the provider sends no lifetime */
  readonly expiresInSeconds: number | null
  /**
   * null when the provider sent none; after a refresh the previous refresh token then stays valid
   */
  readonly refreshToken: string | null
  readonly idToken: string | null
}

/**
 * Why the provider sent no tokens. `invalid-grant`: the presented grant is no longer valid.
 * `refused`: it refuses, or its answer is unacceptable. `unavailable`: the cause is unknown.
 */
export type ProviderFailure = 'invalid-grant' | 'refused' | 'unavailable'

export type ProviderAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ProviderFailure }

export interface AuthorizationRequest {
  readonly tier: Tier
  readonly state: string
  readonly nonce: string
  /** PKCE (RFC 7636); only its S256 challenge is sent */
  readonly codeVerifier: string
  /** true: the person must prove their identity again, despite a session at the provider */
  readonly isForced: boolean
}

export interface AuthorizationResponse extends Omit<AuthorizationRequest, 'isForced'> {
  /** the query of the callback, unchanged */
  readonly parameters: URLSearchParams
}

/** The session that the provider should end; null fields where the person is unknown. */
export interface EndSessionHints {
  readonly idToken: string | null
  /** e-mail address or subject */
  readonly logoutHint: string | null
}

/**
 * The OpenID provider of the sign-in, as its client sees it. Never rejects; the adapter logs causes
 * of failures.
 */
export interface OpenIdProvider {
  /** Loads modules that the first request would wait for, but not the provider's metadata. */
  prepare(): Promise<void>
  authorizationUrl(request: AuthorizationRequest): Promise<ProviderAnswer<string>>
  /** Checks `state` and `iss` (RFC 9207) of a callback, and redeems its code. */
  redeem(response: AuthorizationResponse): Promise<ProviderAnswer<ProviderTokens>>
  refresh(refreshToken: string): Promise<ProviderAnswer<ProviderTokens>>
  /**
   * The address for signing out at the provider (OpenID Connect RP-Initiated Logout 1.0). An ID
   * token that would make the URL too long is replaced by `logout_hint`.
   *
   * @returns null when the provider has no such address, or does not answer
   */
  endSessionUrl(hints: EndSessionHints, tier: Tier): Promise<string | null>
  /** the origin of that address, if known; else the issuer's */
  endSessionOrigin(): string
}
