import { assertNever } from '../domain/assert-never.ts'
import { type Principal, subjectKey } from '../domain/principal.ts'
import { REDIS_KEYS } from '../domain/redis-keys.ts'
import type { Session } from '../session/session.ts'

/** A key under which a principal or its session can be refused. */
export interface RevocationKey {
  readonly name: string
  /**
   * `always`: refuses by being there. `not-before`: holds epoch seconds and refuses who signed in by
   * then; a later sign-in works.
   */
  readonly refuses: 'always' | 'not-before'
}

/** What can be refused. `issuer` is an alias, `subject` is `<alias>|<stable subject>`. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly issuer: string; readonly tokenId: string }
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'client'; readonly issuer: string; readonly clientId: string }
  | { readonly kind: 'idp-session'; readonly issuer: string; readonly idpSession: string }
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'all' }

/** The key that refuses a target. */
export function revocationKey(target: RevocationTarget): RevocationKey {
  switch (target.kind) {
    case 'token':
      return always(`token:${target.issuer}|${target.tokenId}`)
    case 'session':
      return always(`session:${target.sid}`)
    case 'subject':
      return notBefore(`subject:${target.subject}`)
    case 'client':
      return notBefore(`client:${target.issuer}|${target.clientId}`)
    case 'idp-session':
      return notBefore(`idp-session:${target.issuer}|${target.idpSession}`)
    case 'issuer':
      return notBefore(`issuer:${target.issuer}`)
    case 'all':
      return notBefore('all')
    default:
      return assertNever(target)
  }
}

/**
 * Everything a credential can be revoked by. A session is also refused with the token it was made from,
 * with the access token that it holds now, and with the session at the IdP.
 *
 * @param session null for a bearer token
 */
export function revocationKeys(
  principal: Principal,
  session: Pick<Session, 'sid' | 'accessToken'> | null,
): readonly RevocationKey[] {
  const { issuer, tokenId, clientId, idpSession } = principal
  const targets: RevocationTarget[] = [
    { kind: 'token', issuer, tokenId },
    { kind: 'subject', subject: subjectKey(principal) },
    { kind: 'issuer', issuer },
    { kind: 'all' },
  ]
  if (clientId !== null) targets.push({ kind: 'client', issuer, clientId })
  if (idpSession !== null) targets.push({ kind: 'idp-session', issuer, idpSession })
  if (session !== null) {
    targets.push({ kind: 'session', sid: session.sid })
    const current = session.accessToken?.tokenId ?? tokenId
    if (current !== tokenId) targets.push({ kind: 'token', issuer, tokenId: current })
  }
  return targets.map(revocationKey)
}

function always(name: string): RevocationKey {
  return { name: `${REDIS_KEYS.revoked}${name}`, refuses: 'always' }
}

function notBefore(name: string): RevocationKey {
  return { name: `${REDIS_KEYS.revoked}${name}`, refuses: 'not-before' }
}
