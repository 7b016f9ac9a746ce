import { assertNever } from '../domain/assert-never.ts'
import { type Principal, subjectKey } from '../domain/principal.ts'
import { REDIS_KEYS } from '../domain/redis-keys.ts'
import type { Session } from '../session/session.ts'

/** A key that revokes a principal or its session. */
export interface RevocationKey {
  readonly name: string
  /**
   * `always`: the key revokes, with any value. `not-before`: the value is epoch seconds, and
   * revokes every sign-in up to that time; a later sign-in works.
   */
  readonly refuses: 'always' | 'not-before'
}

/** A thing that can be revoked; `subject` is `<issuer>|<stable subject>`. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly issuerName: string; readonly tokenId: string }
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'client'; readonly issuerName: string; readonly clientId: string }
  | { readonly kind: 'idp-session'; readonly issuerName: string; readonly idpSession: string }
  | { readonly kind: 'issuer'; readonly issuerName: string }
  | { readonly kind: 'all' }

/** Returns the key that revokes a target. */
export function revocationKey(target: RevocationTarget): RevocationKey {
  switch (target.kind) {
    case 'token':
      return always(`token:${target.issuerName}|${target.tokenId}`)
    case 'session':
      return always(`session:${target.sid}`)
    case 'subject':
      return notBefore(`subject:${target.subject}`)
    case 'client':
      return notBefore(`client:${target.issuerName}|${target.clientId}`)
    case 'idp-session':
      return notBefore(`idp-session:${target.issuerName}|${target.idpSession}`)
    case 'issuer':
      return notBefore(`issuer:${target.issuerName}`)
    case 'all':
      return notBefore('all')
    default:
      return assertNever(target)
  }
}

/**
 * Returns every key that can revoke a credential. A session is revoked also by the token it was
 * made from, by its current access token, and by its IdP session.
 *
 * @param session null for a bearer token
 */
export function revocationKeys(
  principal: Principal,
  session: Pick<Session, 'sid' | 'accessToken'> | null,
): readonly RevocationKey[] {
  const { issuerName, tokenId, clientId, idpSession } = principal
  const targets: RevocationTarget[] = [
    { kind: 'token', issuerName, tokenId },
    { kind: 'subject', subject: subjectKey(principal) },
    { kind: 'issuer', issuerName },
    { kind: 'all' },
  ]
  if (clientId !== null) targets.push({ kind: 'client', issuerName, clientId })
  if (idpSession !== null) targets.push({ kind: 'idp-session', issuerName, idpSession })
  if (session !== null) {
    targets.push({ kind: 'session', sid: session.sid })
    const current = session.accessToken?.tokenId ?? tokenId
    if (current !== tokenId) targets.push({ kind: 'token', issuerName, tokenId: current })
  }
  return targets.map(revocationKey)
}

function always(name: string): RevocationKey {
  return { name: `${REDIS_KEYS.revoked}${name}`, refuses: 'always' }
}

function notBefore(name: string): RevocationKey {
  return { name: `${REDIS_KEYS.revoked}${name}`, refuses: 'not-before' }
}
