import { ok, type Result, refuse } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import { idleLimitSeconds, type Session } from './session.ts'
import type { SessionCipher } from './session-cipher.ts'
import { seenKey, sidOf } from './session-id.ts'
import { createSessionOpener } from './session-opener.ts'
import type { SessionStore } from './session-store.ts'
import { createSessionUse, seenSeconds } from './session-use.ts'
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
  const use = createSessionUse(store)
  const opener = createSessionOpener(deps)
  return {
    resolve: async (sessionId, tier, nowSeconds) => {
      const sid = sidOf(sessionId)
      const reading = await store.read(sid, nowSeconds)
      if (!reading.ok) return reading
      const { record, lostSinceSeconds } = reading.value
      if (record.kind === 'absent' && lostSinceSeconds > 0) return refuse('state-lost')
      const session = await opener.open(sid, record)
      if (session === null) return refuse('session-unknown')
      if (nowSeconds >= session.expiresAtSeconds) return refuse('session-expired')
      const lastUsed = await lastUsedSeconds(session, nowSeconds)
      if (!lastUsed.ok) return lastUsed

      const unusedSeconds = nowSeconds - lastUsed.value
      if (unusedSeconds > idleLimitSeconds(session, idleTimeoutSeconds)) {
        return refuse('session-expired')
      }
      if (session.tier !== tier && !deps.anyTier) return refuse('session-wrong-tier')
      if (unusedSeconds >= noteIntervalSeconds) use.note(session, nowSeconds)
      return ok(session)
    },
  }

  /** What this process knows is enough for a session in use; Redis is asked before one is called idle. */
  async function lastUsedSeconds(session: Session, nowSeconds: number): Promise<Result<number>> {
    const ownSeconds = use.lastUsedSeconds(session)
    const idleLimit = idleLimitSeconds(session, idleTimeoutSeconds)
    if (nowSeconds - ownSeconds <= idleLimit) return ok(ownSeconds)
    const seen = await store.readSeen(session.sid)
    if (!seen.ok) return seen
    const report = (kind: StateAnomaly): void => deps.observer.anomaly(kind, seenKey(session.sid))
    use.learn(session, seenSeconds(seen.value, nowSeconds, report))
    return ok(use.lastUsedSeconds(session))
  }
}
