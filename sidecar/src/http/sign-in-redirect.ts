import type { AccessRequest, Envelope } from '../domain/access-request.ts'
import type { Decision } from '../domain/decision.ts'
import type { DenyReason } from '../domain/reason.ts'
import type { Reply } from '../fcgi/reply.ts'
import { isReturnAddress } from './return-address.ts'

export const SIGN_IN_PATH = '/_brickgate/sign-in'

/**
 * What a sign-in mends. Two cookies of our name are not among them: they would both be there afterwards.
 */
const MENDED: ReadonlySet<DenyReason> = new Set([
  'no-credential',
  'malformed-token',
  'session-unknown',
  'session-expired',
  'session-revoked',
  'session-wrong-tier',
])

/**
 * The way to sign-in, for a browser's page navigation that was refused for want of a good cookie.
 * Everything else keeps its refusal: a program that follows redirects would take a page for an answer.
 *
 * @param publicUrl of the tier
 * @returns null when this is none
 */
export function signInRedirect(
  request: Envelope & Pick<AccessRequest, 'target'>,
  decision: Decision,
  publicUrl: string,
): Reply | null {
  if (decision.effect !== 'deny' || !MENDED.has(decision.reason)) return null
  if (!request.isNavigation || request.presented.authorization !== null) return null
  const { target } = request
  const query = isReturnAddress(target) ? `?return_to=${encodeURIComponent(target)}` : ''
  return redirectTo(`${publicUrl}${SIGN_IN_PATH}${query}`)
}

/** @param location absolute; encoded already */
export function redirectTo(location: string): Reply {
  return {
    status: 303,
    headers: [
      ['Location', location],
      ['Cache-Control', 'no-store'],
    ],
    body: '',
  }
}
