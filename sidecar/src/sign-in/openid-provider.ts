import type { Tier } from '../domain/tier.ts'

/** What the provider gave at its token endpoint. Nothing of it is verified, and none of it is logged. */
export interface ProviderTokens {
  readonly accessToken: string
  /** from now on; null when the provider does not say */
  readonly expiresInSeconds: number | null
  /** null when it gave none, after a refresh: when the one before stays good */
  readonly refreshToken: string | null
  readonly idToken: string | null
}

/**
 * Why the provider gave nothing. `invalid-grant`: what was presented counts no more. `refused`: it will
 * not, or what it said cannot be accepted. `unavailable`: nobody can tell.
 */
export type ProviderFailure = 'invalid-grant' | 'refused' | 'unavailable'

export type ProviderAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ProviderFailure }

export interface AuthorizationRequest {
  readonly tier: Tier
  readonly state: string
  readonly nonce: string
  /** PKCE (RFC 7636): its S256 challenge is what is sent */
  readonly codeVerifier: string
  /** whether the person must prove again who they are, whatever session there is at the provider */
  readonly isForced: boolean
}

export interface AuthorizationResponse extends Omit<AuthorizationRequest, 'isForced'> {
  /** the query of the callback, as it came */
  readonly parameters: URLSearchParams
}

/** Whose session the provider should end; null where nothing is known of the person. */
export interface EndSessionHints {
  readonly idToken: string | null
  /** e-mail address or subject */
  readonly logoutHint: string | null
}

/**
 * The OpenID provider that people sign in at, as its client sees it. Nothing rejects; why something failed
 * is the adapter's to log.
 */
export interface OpenIdProvider {
  /** Loads what the first request would have to wait for; not the provider's metadata. */
  prepare(): Promise<void>
  authorizationUrl(request: AuthorizationRequest): Promise<ProviderAnswer<string>>
  /** Checks `state` and `iss` (RFC 9207) of a callback, and redeems its code. */
  redeem(response: AuthorizationResponse): Promise<ProviderAnswer<ProviderTokens>>
  refresh(refreshToken: string): Promise<ProviderAnswer<ProviderTokens>>
  /**
   * Where a browser signs out at the provider (OpenID Connect RP-Initiated Logout 1.0). An ID token that
   * would make the URL too long is left out, and `logout_hint` stands for it.
   *
   * @returns null when the provider has no such place, or cannot be asked
   */
  endSessionUrl(hints: EndSessionHints, tier: Tier): Promise<string | null>
  /** the origin of that place, as far as is known; else the issuer's */
  endSessionOrigin(): string
}
