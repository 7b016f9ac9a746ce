/** The key that distinguishes a Redis with all its data from an emptied Redis. */
export const STATE_KEY = 'bg:state'

/**
 * The beginning of every key that Brickgate writes to Redis; `state` is a whole name. docs/redis.md
 * lists them with value, TTL, writer and reader, and `tools/redis-keys.test.ts` compares both.
 */
export const REDIS_KEYS = {
  session: 'bg:session:',
  seen: 'bg:seen:',
  subjectSessions: 'bg:subject-sessions:',
  revoked: 'bg:revoked:',
  state: STATE_KEY,
  spentSignIn: 'bg:signin:',
  logoutToken: 'bg:logout-token:',
  idpSession: 'bg:idp-session:',
  refreshLock: 'bg:lock:refresh:',
  probe: 'bg:probe:',
} as const

/**
 * Prefixes of keys whose changes Redis announces and whose values the near cache may hold.
 *
 * INVARIANT: the near cache holds no value below another prefix. Its change would go unnoticed, and
 * a revocation or a deleted session would be missed.
 */
export const TRACKED_PREFIXES: readonly string[] = [
  REDIS_KEYS.session,
  REDIS_KEYS.revoked,
  REDIS_KEYS.state,
]

/** Where Redis publishes invalidations for connections that speak RESP2. */
export const INVALIDATION_CHANNEL = '__redis__:invalidate'

/** The record of a session; deleting the key ends the session. */
export function sessionKey(sid: string): string {
  return `${REDIS_KEYS.session}${sid}`
}

/** The index of a subject's sessions; the records are the truth. */
export function subjectSessionsKey(subject: string): string {
  return `${REDIS_KEYS.subjectSessions}${subject}`
}

/** The time at which a session was last used. */
export function seenKey(sid: string): string {
  return `${REDIS_KEYS.seen}${sid}`
}

/** The lock of the process that refreshes the access token of a session. */
export function refreshLockKey(sid: string): string {
  return `${REDIS_KEYS.refreshLock}${sid}`
}

/** @param digest SHA-256 (hex) of the sign-in's `state` */
export function spentSignInKey(digest: string): string {
  return `${REDIS_KEYS.spentSignIn}${digest}`
}

/** @param issuerName short name */
export function logoutTokenKey(issuerName: string, tokenId: string): string {
  return `${REDIS_KEYS.logoutToken}${issuerName}|${tokenId}`
}

/** @param issuerName short name */
export function idpSessionKey(issuerName: string, idpSession: string): string {
  return `${REDIS_KEYS.idpSession}${issuerName}|${idpSession}`
}

/**
 * The beginning of all processes' heartbeats below a tracked prefix.
 *
 * INVARIANT: no session, revocation or state has the name of a heartbeat, or its invalidation would
 * be ignored. Subjects and ids may contain colons and end in `:heartbeat`; none has `worker-` right
 * after a tracked prefix.
 *
 * @param prefix followed by a hash tag in a Cluster
 */
export function heartbeatBeginning(prefix: string): string {
  return `${prefix}${prefix.endsWith(':') ? '' : ':'}worker-`
}

export const HEARTBEAT_END = ':heartbeat'

/** @param tag the hash tag of a server of a Cluster; null for a Redis without slots */
export function probeKey(tag: number | null): string {
  return `${REDIS_KEYS.probe}${tag === null ? '' : `{${tag}}:`}heartbeat`
}
