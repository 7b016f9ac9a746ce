/** The verified identity of a caller. Only `verify/` and `session/` make principals. */
export interface Principal {
  /** short name of the issuer, `^[a-z0-9-]{1,32}$` */
  readonly issuerName: string
  /** the stable subject without the issuer's name; `client:<client id>` for client credentials */
  readonly subject: string
  /** for display; no decision uses it */
  readonly email: string | null
  readonly groups: readonly string[]
  /** null when the token names none */
  readonly clientId: string | null
  /** `jti`, Entra `uti`, or `sha256:` of the JWS signing input */
  readonly tokenId: string
  /** `sid` at the IdP (OpenID Connect Back-Channel Logout 1.0), null when the token has none */
  readonly idpSession: string | null
  /** `auth_time`, null when the token has none */
  readonly authTimeSeconds: number | null
  readonly issuedAtSeconds: number
  /** null when the token has no `nbf` */
  readonly notBeforeSeconds: number | null
  readonly expiresAtSeconds: number
}

/** `<issuer>|<subject>`, the name of a principal in Redis, policies and audit. */
export function subjectKey(principal: Pick<Principal, 'issuerName' | 'subject'>): string {
  return `${principal.issuerName}|${principal.subject}`
}

/**
 * The time of a principal's sign-in by the issuer's clock, which revocations and losses are
 * compared with. `auth_time` counts at most until `iat`. A refreshed token keeps the time of its
 * sign-in, so a revocation of that sign-in still applies.
 */
export function signInSeconds({
  authTimeSeconds,
  issuedAtSeconds,
}: Pick<Principal, 'authTimeSeconds' | 'issuedAtSeconds'>): number {
  return Math.min(authTimeSeconds ?? issuedAtSeconds, issuedAtSeconds)
}

const NAME = /^(?=[\x21-\x7e]{1,255}$)(?:[^%]|%20|%25)+$/

/**
 * Whether a text is a subject, token id, client id or IdP session id as `keyName` writes them: 1 to
 * 255 bytes of 0x21-0x7E, in which `%` occurs only in `%20` and `%25`.
 */
export function isKeyName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/**
 * A subject or id as it occurs in keys, headers and commands: `%20` for a space and `%25` for `%`.
 *
 * INVARIANT: different texts have different names, or a revocation could hit another subject.
 *
 * @returns null for an empty text, for bytes outside 0x20-0x7E, and for a name longer than 255
 *   bytes
 */
export function keyName(text: string): string | null {
  const name = text.replaceAll('%', '%25').replaceAll(' ', '%20')
  return isKeyName(name) ? name : null
}
