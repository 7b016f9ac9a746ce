import type { DenyReason } from '../domain/reason.ts'
import { idpSessionKey, logoutTokenKey } from '../domain/redis-keys.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'
import type { RevocationWriter } from '../revocation/revocation-writer.ts'
import type { Session } from '../session/session.ts'
import type { LogoutOrder } from '../verify/logout-token.ts'
import type { SignInTokens } from '../verify/sign-in-tokens.ts'

/** Ends what was signed in by an IdP session that has ended there. */
export interface IdpLogout {
  /**
   * OpenID Connect Back-Channel Logout 1.0: the provider tells us, signed. What it ends is written as a
   * revocation, so that a session opened from an older sign-in afterwards is refused all the same.
   *
   * @returns refuses what is no logout token, or was delivered before; `state-unavailable` when it is not
   *   certain that the revocation stands
   */
  byToken(logoutToken: string, nowSeconds: number): Promise<Result<void>>
  /**
   * OpenID Connect Front-Channel Logout 1.0: a browser brings it, unsigned, and mostly without a cookie. It
   * counts for IdP sessions that somebody signed in by here, whose ids nobody else knows.
   *
   * @returns false when there is no such session
   */
  byBrowser(issuer: string, idpSession: string, nowSeconds: number): Promise<Result<boolean>>
  /** Notes by which IdP session somebody signed in, for `byBrowser`. */
  signedIn(session: Pick<Session, 'principal' | 'expiresAtSeconds'>): Promise<Result<void>>
}

/** Logout tokens that were obeyed. Nothing rejects; what fails is refused with `state-unavailable`. */
export interface ReplayStore {
  isKnown(key: string): Promise<Result<boolean>>
  /** @returns false when another was first */
  note(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
}

/** IdP sessions that people signed in by. Nothing rejects; what fails is refused with `state-unavailable`. */
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
  readonly issuer: { readonly issuer: string; readonly alias: string }
  /** how long after its end a logout token may still be accepted, on a clock that is behind */
  readonly toleranceSeconds: number
}

/** A logout token that was obeyed already. */
const REPLAYED: DenyReason = 'token-revoked'

export function createIdpLogout(deps: IdpLogoutDeps): IdpLogout {
  const { replays, idpSessions, revocations } = deps
  const { alias } = deps.issuer
  return {
    byToken: async (logoutToken, nowSeconds) => {
      const order = await deps.tokens.logoutToken(logoutToken, nowSeconds)
      if (!order.ok) return order
      const key = logoutTokenKey(alias, order.value.tokenId)
      const known = await replays.isKnown(key)
      if (!known.ok) return known
      if (known.value) return refuse(REPLAYED)
      // Noted once it is obeyed: what failed halfway may be delivered again.
      const target = targetOf(order.value, alias)
      const notBeforeSeconds = order.value.issuedAtSeconds
      const revoked = await revocations.revoke({ target, notBeforeSeconds }, nowSeconds)
      if (!revoked.ok) return revoked
      const noted = await replays.note(key, order.value.expiresAtSeconds + deps.toleranceSeconds)
      if (!noted.ok) return noted
      return noted.value ? ok(undefined) : refuse(REPLAYED)
    },
    byBrowser: async (issuer, idpSession, nowSeconds) => {
      if (issuer !== deps.issuer.issuer) return ok(false)
      const known = await idpSessions.isKnown(idpSessionKey(alias, idpSession))
      if (!known.ok || !known.value) return known
      const target = { kind: 'idp-session', issuer: alias, idpSession } as const
      const revoked = await revocations.revoke({ target }, nowSeconds)
      return revoked.ok ? ok(true) : revoked
    },
    signedIn: async ({ principal, expiresAtSeconds }) => {
      if (principal.idpSession === null) return ok(undefined)
      return idpSessions.note(idpSessionKey(alias, principal.idpSession), expiresAtSeconds)
    },
  }
}

/** A subject alone means all of its sessions. */
function targetOf({ idpSession, subject }: LogoutOrder, alias: string): RevocationTarget {
  if (idpSession !== null) return { kind: 'idp-session', issuer: alias, idpSession }
  return { kind: 'subject', subject: `${alias}|${subject ?? ''}` }
}
