import { hash } from 'node:crypto'

/**
 * The name under which Redis, audit and operators know a session: SHA-256 (hex) of the whole opaque
 * id, so that neither a dump of Redis nor a log holds anything a client could present.
 */
export function sidOf(sessionId: string): string {
  return hash('sha256', sessionId, 'hex')
}

/**
 * @param random 32 bytes from a cryptographic source
 * @returns `bgs_` and 43 characters of base64url
 */
export function sessionIdFrom(random: Uint8Array): string {
  return `bgs_${Buffer.from(random).toString('base64url')}`
}

/** The key of a session's record; deleting it ends the session. */
export function sessionKey(sid: string): string {
  return `bg:session:${sid}`
}

/** The key of the index of a subject's sessions; the records are the truth. */
export function subjectSessionsKey(subject: string): string {
  return `bg:subject-sessions:${subject}`
}

/** The key of the moment a session was last used, in epoch seconds. */
export function seenKey(sid: string): string {
  return `bg:seen:${sid}`
}
