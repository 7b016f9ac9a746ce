import type { AccessRequest, Envelope } from '../domain/access-request.ts'
import type { Deny } from '../domain/decision.ts'
import type { DenyReason } from '../domain/reason.ts'
import type { Reply } from '../fcgi/reply.ts'
import { returnAddresses } from './return-address.ts'
import { ROUTES } from './routes.ts'

/**
 * The reasons that a new sign-in removes. Two session cookies are not among them: both would still
 * be there.
 */
const MENDED: ReadonlySet<DenyReason> = new Set([
  'no-credential',
  'malformed-token',
  'session-unknown',
  'session-expired',
  'session-revoked',
  'session-wrong-tier',
  // A newer sign-in is accepted. Programs keep the 503, and wait.
  'state-lost',
])

/** Limit of a whole URL: every browser sends it, and the gateway accepts four times as much. */
const MAX_URL = 8000

/**
 * A redirect to sign-in, for a browser's page navigation that was denied for lack of a valid
 * cookie. Every other request keeps its error, because a program that follows redirects would take
 * a page for an answer.
 *
 * @param publicUrl of the tier
 * @returns null for every other request
 */
export function signInRedirect(
  request: Envelope & Pick<AccessRequest, 'target'>,
  { reason }: Pick<Deny, 'reason'>,
  publicUrl: string,
): Reply | null {
  if (!MENDED.has(reason)) return null
  if (!request.isNavigation || request.presented.authorization !== null) return null
  return redirectTo(signInUrl(publicUrl, request.target))
}

/**
 * The address of a sign-in that returns to `target`, or to the nearest page whose address is short
 * enough.
 *
 * @param publicUrl of the tier; empty for a relative address
 * @param isForced true: the provider asks the person again
 */
export function signInUrl(publicUrl: string, target: string, isForced = false): string {
  const fitting = returnAddresses(target)
    .map((place) => urlFor(publicUrl, place, isForced))
    .find((url) => url.length <= MAX_URL)
  return fitting ?? urlFor(publicUrl, ROUTES.home, isForced)
}

function urlFor(publicUrl: string, place: string, isForced: boolean): string {
  const parameters = [
    ...(isForced ? ['again=1'] : []),
    ...(place === ROUTES.home ? [] : [`return_to=${encodeURIComponent(place)}`]),
  ]
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return `${publicUrl}${ROUTES.signIn}${query}`
}

/** @param location absolute, already encoded */
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
