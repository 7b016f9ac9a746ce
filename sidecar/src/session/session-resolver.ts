import { ok, type Result, refuse } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import { openRecord } from './open-record.ts'
import { idleLimitSeconds, type Session } from './session.ts'
import type { SessionCipher } from './session-cipher.ts'
import { sidOf } from './session-id.ts'
import type { SessionStore } from './session-store.ts'
import { createSessionUse } from './session-use.ts'
import type { StateObserver } from './state-observer.ts'

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
      const isIdle = unusedSeconds > idleLimitSeconds(session, idleTimeoutSeconds)
      if (isIdle || nowSeconds >= session.expiresAtSeconds) return refuse('session-expired')
      if (session.tier !== tier && !deps.anyTier) return refuse('session-wrong-tier')
      if (unusedSeconds >= noteIntervalSeconds) use.note(session, nowSeconds)
      return ok(session)
    },
  }
}
