import { ok, type Result, refuse } from '../domain/result.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import type { Tier } from '../domain/tier.ts'
import type { RecordCipher } from './record-cipher.ts'
import { type Session, sidOf } from './session.ts'
import { createRecordOpener } from './session-record.ts'
import type { SessionReader } from './session-store.ts'
import type { SessionUse } from './session-use.ts'

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
  readonly store: SessionReader
  readonly cipher: RecordCipher
  readonly observer: StateObserver
  readonly use: SessionUse
  readonly idleTimeoutSeconds: number
  /** whether a session also counts on the tier it was not made on */
  readonly anyTier: boolean
}

const MIN_NOTE_INTERVAL_SECONDS = 30

/** How often the use of a session is noted: often enough that one in use is never idle by its note. */
function noteInterval(idleTimeoutSeconds: number): number {
  const seldom = Math.max(MIN_NOTE_INTERVAL_SECONDS, idleTimeoutSeconds / 10)
  return Math.min(seldom, idleTimeoutSeconds / 3)
}

export function createSessionResolver(deps: SessionResolverDeps): SessionResolver {
  const { store, use } = deps
  const noteIntervalSeconds = noteInterval(deps.idleTimeoutSeconds)
  const opener = createRecordOpener(deps)
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
      const idle = await isIdle(session, nowSeconds)
      if (!idle.ok) return idle
      if (idle.value) return refuse('session-expired')
      if (session.tier !== tier && !deps.anyTier) return refuse('session-wrong-tier')
      const unusedSeconds = nowSeconds - use.lastUsedSeconds(session)
      if (unusedSeconds >= noteIntervalSeconds) use.note(session, nowSeconds)
      return ok(session)
    },
  }

  /** What this process knows is enough for a session in use; Redis is asked before one is called idle. */
  async function isIdle(session: Session, nowSeconds: number): Promise<Result<boolean>> {
    if (!use.isIdle(session, 0, nowSeconds)) return ok(false)
    const seen = await store.readSeen(session.sid)
    if (!seen.ok) return seen
    use.learn(session, seen.value, nowSeconds)
    return ok(use.isIdle(session, 0, nowSeconds))
  }
}
