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
   * Finds the live session of a session id. Revocations are not checked here.
   *
   * @param sessionId the client's opaque id, `bgs_` included
   * @param tier tier of the listener
   * @returns `session-unknown`, `session-expired`, `session-wrong-tier`, `state-lost` or
   *   `state-unavailable` without a live session
   */
  resolve(sessionId: string, tier: Tier, nowSeconds: number): Promise<Result<Session>>
}

export interface SessionResolverDeps {
  readonly store: SessionReader
  readonly cipher: RecordCipher
  readonly observer: StateObserver
  readonly use: SessionUse
  readonly idleTimeoutSeconds: number
  /** whether a session is valid on every tier, not only on its own */
  readonly anyTier: boolean
}

const MIN_NOTE_INTERVAL_SECONDS = 30

/** Interval of notes of use, short enough that a session in use is never idle by its notes. */
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
      const { record, lostBeforeSeconds } = reading.value
      if (record.kind === 'absent' && lostBeforeSeconds > 0) return refuse('state-lost')
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

  /** Reads Redis only for a session that is idle by the notes of this process. */
  async function isIdle(session: Session, nowSeconds: number): Promise<Result<boolean>> {
    if (!use.isIdle(session, 0, nowSeconds)) return ok(false)
    const seen = await store.readSeen(session.sid)
    if (!seen.ok) return seen
    use.learn(session, seen.value, nowSeconds)
    return ok(use.isIdle(session, 0, nowSeconds))
  }
}
