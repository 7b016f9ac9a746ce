import { createHmac, timingSafeEqual } from 'node:crypto'

const PURPOSE = 'brickgate csrf token'

/**
 * What the forms of a session's pages carry, so that no other site can send them: whoever cannot read the
 * page does not know it, and it is worth nothing to another session.
 *
 * @param sessionId the opaque id, which is a secret of 256 bits
 */
export function csrfToken(sessionId: string): string {
  return createHmac('sha256', sessionId).update(PURPOSE).digest('base64url')
}

/** Compares in a time that tells nothing. */
export function isCsrfToken(sent: string | null, sessionId: string): boolean {
  const expected = Buffer.from(csrfToken(sessionId))
  const given = Buffer.from(sent ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
