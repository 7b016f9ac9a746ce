import { ok, type Result, refuse } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { Tier } from '../domain/tier.ts'
import { decodeSession, type Session } from './session.ts'
import type { SessionCipher } from './session-cipher.ts'
import { sessionKey, sidOf } from './session-id.ts'
import type { SessionStore } from './session-store.ts'
import { createSessionUse } from './session-use.ts'
import type { StateAnomaly, StateObserver } from './state-observer.ts'

export interface SessionResolver {
  /**
   * @param sessionId the opaque id that the client presents, `bgs_` included
   * @param tier the listener it came in by
   * @returns refuses with `session-unknown`, `session-expired`, `session-wrong-tier`, `state-lost` or
   *   `state-unavailable`; whether the session was revoked is for the RevocationView to say
   */
  resolve(sessionId: string, tier: Tier, nowSeconds: number): Promise<Result<Session>>
}

export interface SessionResolverDeps {
  readonly store: SessionStore
  readonly cipher: SessionCipher
  readonly observer: StateObserver
  readonly idleTimeoutSeconds: number
  /** whether a session also counts on the tier it was not made on */
  readonly anyTier: boolean
}

const MIN_NOTE_INTERVAL_SECONDS = 30

export function createSessionResolver(deps: SessionResolverDeps): SessionResolver {
  const { store, idleTimeoutSeconds } = deps
  const noteIntervalSeconds = Math.max(MIN_NOTE_INTERVAL_SECONDS, idleTimeoutSeconds / 10)
  const use = createSessionUse(store, deps.observer)
  return {
    resolve: async (sessionId, tier, nowSeconds) => {
      const sid = sidOf(sessionId)
      const [reading, seen] = await Promise.all([store.read(sid, nowSeconds), store.readSeen(sid)])
      if (!reading.ok) return reading
      if (!seen.ok) return seen
      const { record, lostSinceSeconds } = reading.value
      if (record.kind === 'absent' && lostSinceSeconds > 0) return refuse('state-lost')
      const session = await openRecord(deps, sid, record)
      if (session === null) return refuse('session-unknown')

      const unusedSeconds = nowSeconds - use.lastUsedSeconds(session, seen.value, nowSeconds)
      const isLive = nowSeconds < session.expiresAtSeconds && unusedSeconds <= idleTimeoutSeconds
      if (!isLive) return refuse('session-expired')
      if (session.tier !== tier && !deps.anyTier) return refuse('session-wrong-tier')
      if (unusedSeconds >= noteIntervalSeconds) use.note(session, nowSeconds)
      return ok(session)
    },
  }
}

/** INVARIANT: only what our key encrypted, and for this sid, is a session. */
async function openRecord(
  deps: Pick<SessionResolverDeps, 'cipher' | 'observer'>,
  sid: string,
  record: StoredValue,
): Promise<Session | null> {
  if (record.kind === 'absent') return null
  if (record.kind === 'wrong-type') return unusable('wrong-type')
  const plaintext = await deps.cipher.decrypt(record.text)
  if (plaintext === null) return unusable('undecryptable')
  const session = decodeSession(plaintext)
  if (session === null) return unusable('malformed')
  return session.sid === sid ? session : unusable('misplaced')

  function unusable(kind: StateAnomaly): null {
    deps.observer.anomaly(kind, sessionKey(sid))
    return null
  }
}
