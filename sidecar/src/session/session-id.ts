import { hash } from 'node:crypto'

export { seenKey, sessionKey, subjectSessionsKey } from '../domain/redis-keys.ts'

/**
 * The name under which Redis, audit and operators know a session: SHA-256 (hex) of the whole opaque
 * id, so that neither a dump of Redis nor a log holds anything a client could present.
 */
export function sidOf(sessionId: string): string {
  return hash('sha256', sessionId, 'hex')
}

/** Whether a text has the form of a sid; no record is looked for under another. */
export function isSid(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/**
 * @param random 32 bytes from a cryptographic source
 * @returns `bgs_` and 43 characters of base64url
 */
export function sessionIdFrom(random: Uint8Array): string {
  return `bgs_${Buffer.from(random).toString('base64url')}`
}
