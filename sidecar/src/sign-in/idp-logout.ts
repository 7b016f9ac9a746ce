import type { DenyReason } from '../domain/reason.ts'
import { idpSessionKey, logoutTokenKey } from '../domain/redis-keys.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'
import type { RevocationWriter } from '../revocation/revocation-writer.ts'
import type { Session } from '../session/session.ts'
import type { LogoutOrder } from '../verify/logout-token.ts'
import type { SignInTokens } from '../verify/sign-in-tokens.ts'

/** Ends the sessions of an IdP session that has ended at the provider. */
export interface IdpLogout {
  /**
   * OpenID Connect Back-Channel Logout 1.0: the provider sends a signed token. It is written as a
   * revocation, so that a session made later from an older sign-in is denied too.
   *
   * @returns a refusal for an invalid or repeated logout token; `state-unavailable` when the
   *   revocation may not be in force
   */
  byToken(logoutToken: string, nowSeconds: number): Promise<Result<void>>
  /**
   * OpenID Connect Front-Channel Logout 1.0: a browser sends it, unsigned, and mostly without a
   * cookie. It counts only for IdP sessions of sign-ins made here, whose ids nobody else knows.
   *
   * @returns false when there is no such session
   */
  byBrowser(issuer: string, idpSession: string, nowSeconds: number): Promise<Result<boolean>>
  /** Stores the IdP session of a sign-in, for `byBrowser`. */
  signedIn(session: Pick<Session, 'principal' | 'expiresAtSeconds'>): Promise<Result<void>>
}

/**
 * Logout tokens that were obeyed. Never rejects; a failure is a refusal with `state-unavailable`.
 */
export interface ReplayStore {
  isKnown(key: string): Promise<Result<boolean>>
  /** @returns false when the key was already stored */
  note(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
}

/** IdP sessions of sign-ins. Never rejects; a failure is a refusal with `state-unavailable`. */
export interface IdpSessionStore {
  isKnown(key: string): Promise<Result<boolean>>
  note(key: string, expiresAtSeconds: number): Promise<Result<void>>
}

export interface IdpLogoutDeps {
  readonly tokens: Pick<SignInTokens, 'logoutToken'>
  readonly revocations: Pick<RevocationWriter, 'revoke'>
  readonly replays: ReplayStore
  readonly idpSessions: IdpSessionStore
  /** the sign-in's issuer: its `iss` and its alias */
  readonly issuer: { readonly issuerUrl: string; readonly issuerName: string }
  /** how long after its expiry a logout token may still be accepted, on a clock that is behind */
  readonly toleranceSeconds: number
}

/** The reason for a logout token that was already obeyed. */
const REPLAYED: DenyReason = 'token-revoked'

export function createIdpLogout(deps: IdpLogoutDeps): IdpLogout {
  const { replays, idpSessions, revocations } = deps
  const { issuerName } = deps.issuer
  return {
    byToken: async (logoutToken, nowSeconds) => {
      const order = await deps.tokens.logoutToken(logoutToken, nowSeconds)
      if (!order.ok) return order
      const key = logoutTokenKey(issuerName, order.value.tokenId)
      const known = await replays.isKnown(key)
      if (!known.ok) return known
      if (known.value) return refuse(REPLAYED)
      // Stored after it was obeyed, so that a failed logout may be delivered again.
      const target = targetOf(order.value, issuerName)
      const notBeforeSeconds = order.value.issuedAtSeconds
      const revoked = await revocations.revoke({ target, notBeforeSeconds }, nowSeconds)
      if (!revoked.ok) return revoked
      const noted = await replays.note(key, order.value.expiresAtSeconds + deps.toleranceSeconds)
      if (!noted.ok) return noted
      return noted.value ? ok(undefined) : refuse(REPLAYED)
    },
    byBrowser: async (issuerUrl, idpSession, nowSeconds) => {
      if (issuerUrl !== deps.issuer.issuerUrl) return ok(false)
      const known = await idpSessions.isKnown(idpSessionKey(issuerName, idpSession))
      if (!known.ok || !known.value) return known
      const target = { kind: 'idp-session', issuerName, idpSession } as const
      const revoked = await revocations.revoke({ target }, nowSeconds)
      return revoked.ok ? ok(true) : revoked
    },
    signedIn: async ({ principal, expiresAtSeconds }) => {
      if (principal.idpSession === null) return ok(undefined)
      return idpSessions.note(idpSessionKey(issuerName, principal.idpSession), expiresAtSeconds)
    },
  }
}

/** A subject alone means all of its sessions. */
function targetOf({ idpSession, subject }: LogoutOrder, issuerName: string): RevocationTarget {
  if (idpSession !== null) return { kind: 'idp-session', issuerName: issuerName, idpSession }
  return { kind: 'subject', subject: `${issuerName}|${subject ?? ''}` }
}
