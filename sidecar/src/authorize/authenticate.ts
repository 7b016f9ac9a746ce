import { readCredential } from '../credential/credential.ts'
import type { Envelope } from '../domain/access-request.ts'
import { assertNever } from '../domain/assert-never.ts'
import { type CredentialKind, type DecisionContext, unknownCaller } from '../domain/decision.ts'
import type { Principal } from '../domain/principal.ts'
import { ok, type Refusal, type Result, refuse } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import type { RevocationView } from '../revocation/revocation-view.ts'
import type { Session } from '../session/session.ts'
import type { SessionResolver } from '../session/session-resolver.ts'
import type { SubjectToken } from '../upstream/upstream-credential.ts'
import type { TokenVerifier } from '../verify/token-verifier.ts'
import { isCrossSite } from './cross-site.ts'

/** A verified caller without a revocation. */
export interface Caller extends DecisionContext {
  readonly principal: Principal
  readonly subjectToken: SubjectToken | null
  /** null for a bearer token */
  readonly session: Session | null
  /** when the credential expires */
  readonly expiresAtSeconds: number
}

export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  | (Refusal & { readonly context: DecisionContext })

/**
 * Identifies the caller and checks revocations: the first half of a decision, shared with the
 * responder.
 */
export type Authenticate = (request: Envelope, nowSeconds: number) => Promise<Authentication>

export interface AuthenticateDeps {
  readonly verifier: Pick<TokenVerifier, 'verify'>
  readonly sessions: SessionResolver
  /** names of the trusted issuers; a session of an issuer that is no longer trusted is unknown */
  readonly issuerNames: ReadonlySet<string>
  /**
   * how long after `exp` a bearer token is accepted and forwarded; the workspace applies its own
   * rule
   */
  readonly leewaySeconds: number
  readonly revocations: RevocationView
  /** scheme, host and port of each tier: the only origins for which a cookie counts */
  readonly publicOrigins: Readonly<Record<Tier, string>>
}

interface Identity {
  readonly principal: Principal
  readonly subjectToken: SubjectToken | null
  readonly session: Session | null
  readonly expiresAtSeconds: number
}

export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  return async (request, nowSeconds) => {
    const credential = readCredential(request.presented)
    switch (credential.kind) {
      case 'none':
        return unidentified(refuse('no-credential'), 'none')
      case 'ambiguous':
        return unidentified(refuse('ambiguous-credential'), 'none')
      case 'malformed':
        return unidentified(refuse('malformed-token'), 'none')
      case 'bearer':
        return unlessRevoked(await byToken(credential.token, nowSeconds), 'bearer', nowSeconds)
      case 'session': {
        const isCookie = credential.from === 'cookie'
        if (isCookie && isCrossSite(request, deps.publicOrigins[request.tier])) {
          return unidentified(refuse('cross-site-request'), 'session')
        }
        const identity = await bySession(credential.sessionId, request.tier, nowSeconds)
        return unlessRevoked(identity, 'session', nowSeconds)
      }
      default:
        return assertNever(credential)
    }
  }

  async function byToken(token: string, nowSeconds: number): Promise<Result<Identity>> {
    const principal = await deps.verifier.verify(token, nowSeconds)
    if (!principal.ok) return principal
    const { expiresAtSeconds } = principal.value
    return ok({
      principal: principal.value,
      subjectToken: { token, expiresAtSeconds: expiresAtSeconds + deps.leewaySeconds },
      session: null,
      expiresAtSeconds,
    })
  }

  async function bySession(id: string, tier: Tier, nowSeconds: number): Promise<Result<Identity>> {
    const session = await deps.sessions.resolve(id, tier, nowSeconds)
    if (!session.ok) return session
    if (!deps.issuerNames.has(session.value.principal.issuerName)) return refuse('session-unknown')
    const { principal, accessToken, expiresAtSeconds } = session.value
    return ok({
      principal,
      subjectToken: accessToken,
      session: session.value,
      expiresAtSeconds,
    })
  }

  async function unlessRevoked(
    identity: Result<Identity>,
    credential: CredentialKind,
    nowSeconds: number,
  ): Promise<Authentication> {
    if (!identity.ok) return unidentified(identity, credential)
    const { principal, subjectToken, session, expiresAtSeconds } = identity.value
    const sid = session?.sid ?? null
    const unrevoked = await deps.revocations.check(principal, session, nowSeconds)
    if (!unrevoked.ok) {
      const context = { ...unknownCaller(credential), principal, sid }
      return { ...unrevoked, context }
    }
    const { isFromOutage } = unrevoked.value
    const context = { credential, principal, sid, policies: [], isFromOutage }
    return { ok: true, caller: { ...context, subjectToken, session, expiresAtSeconds } }
  }
}

/** A failed authentication of which only the kind of credential is known. */
export function unidentified(refusal: Refusal, credential: CredentialKind): Authentication {
  return { ...refusal, context: unknownCaller(credential) }
}
