import { createHmac, timingSafeEqual } from 'node:crypto'

const PURPOSE = 'brickgate csrf token'

/**
 * The token in the forms of a session's pages. A site that cannot read the page does not know the
 * token, and the token is useless for another session.
 *
 * @param sessionId the opaque id, a secret of 256 bits
 */
export function csrfToken(sessionId: string): string {
  return createHmac('sha256', sessionId).update(PURPOSE).digest('base64url')
}

/** Compares in constant time. */
export function isCsrfToken(sent: string | null, sessionId: string): boolean {
  const expected = Buffer.from(csrfToken(sessionId))
  const given = Buffer.from(sent ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
