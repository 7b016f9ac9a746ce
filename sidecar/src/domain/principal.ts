/** Who a verified credential speaks for. Only `verify/` and `session/` make one. */
export interface Principal {
  /** short name of the issuer, `^[a-z0-9-]{1,32}$` */
  readonly issuer: string
  /** the stable subject without alias; `client:<client id>` for client credentials */
  readonly subject: string
  /** display only: never decides anything */
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

/** `<alias>|<subject>`, the name under which Redis, policies and audit know a principal. */
export function subjectKey(principal: Pick<Principal, 'issuer' | 'subject'>): string {
  return `${principal.issuer}|${principal.subject}`
}

/**
 * When a principal signed in, as far as its token says: what revocations and losses are compared with, by
 * the issuer's clock. A token is never newer than its own issuing, whatever its `auth_time` says, and a
 * refreshed one keeps the sign-in by which it was revoked.
 */
export function signInSeconds({
  authTimeSeconds,
  issuedAtSeconds,
}: Pick<Principal, 'authTimeSeconds' | 'issuedAtSeconds'>): number {
  return Math.min(authTimeSeconds ?? issuedAtSeconds, issuedAtSeconds)
}

const NAME = /^(?=[\x21-\x7e]{1,255}$)(?:[^%]|%20|%25)+$/

/**
 * Whether a text is a subject, token id, client id or IdP session id as `keyName` writes them: 1 to 255
 * bytes of 0x21-0x7E in which `%` only ever begins `%20` or `%25`.
 */
export function isKeyName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/**
 * A subject or id as keys, headers and the command line have it: with `%20` for a space and `%25` for `%`.
 *
 * INVARIANT: no two texts have the same name.
 *
 * @returns null for a text that is empty, has other bytes than 0x20-0x7E, or is longer than 255 bytes
 *   when it is written so
 */
export function keyName(text: string): string | null {
  const name = text.replaceAll('%', '%25').replaceAll(' ', '%20')
  return isKeyName(name) ? name : null
}
