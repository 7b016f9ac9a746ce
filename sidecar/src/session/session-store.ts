import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

export interface SessionReading {
  /** the encrypted record */
  readonly record: StoredValue
  /** until when revocations and sessions may have been lost, in epoch seconds; 0 when nothing was */
  readonly lostSinceSeconds: number
  /** whether the store is out of reach, and this is what was known before */
  readonly isFromOutage: boolean
}

/**
 * Where sessions lie. Whatever fails or takes too long is refused with `state-unavailable`: no method
 * rejects, and none answers `absent` for what it could not read.
 */
export interface SessionStore {
  /**
   * INVARIANT: the loss is read after the record, so that a session that vanished with everything else
   * is never taken for one that was ended.
   */
  read(sid: string, nowSeconds: number): Promise<Result<SessionReading>>
  /** when the session was last used; apart from the record, because no cache may hold it */
  readSeen(sid: string): Promise<Result<StoredValue>>
  /**
   * Notes that the session is in use. The record stays untouched: a deleted session never comes back.
   *
   * @param sealed the moment of its use, as the seal wrote it
   * @param expiresAtSeconds the session's own end, after which the note goes too
   */
  touch(sid: string, sealed: string, expiresAtSeconds: number): Promise<Result<void>>
}
