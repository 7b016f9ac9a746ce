import { type Principal, subjectKey } from '../domain/principal.ts'

/** A key under which a principal or its session can be refused. */
export interface RevocationKey {
  readonly name: string
  /**
   * `always`: refuses by being there. `not-before`: holds epoch seconds and refuses who signed in by
   * then; a later sign-in works.
   */
  readonly refuses: 'always' | 'not-before'
}

/**
 * Everything a credential can be revoked by. A session is also refused with the token it was made from,
 * and with the session at the IdP.
 *
 * @param sid null for a bearer token
 */
export function revocationKeys(principal: Principal, sid: string | null): readonly RevocationKey[] {
  const { issuer, tokenId, clientId, idpSession } = principal
  const keys = [
    always(`token:${issuer}|${tokenId}`),
    notBefore(`subject:${subjectKey(principal)}`),
    notBefore(`issuer:${issuer}`),
    notBefore('all'),
  ]
  if (clientId !== null) keys.push(notBefore(`client:${issuer}|${clientId}`))
  if (idpSession !== null) keys.push(notBefore(`idp-session:${issuer}|${idpSession}`))
  if (sid !== null) keys.push(always(`session:${sid}`))
  return keys
}

function always(name: string): RevocationKey {
  return { name: `bg:revoked:${name}`, refuses: 'always' }
}

function notBefore(name: string): RevocationKey {
  return { name: `bg:revoked:${name}`, refuses: 'not-before' }
}
