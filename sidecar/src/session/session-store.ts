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
export interface SessionReader {
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

/** What lies in the store of one session. */
export interface StoredSession {
  readonly sid: string
  /** the encrypted record */
  readonly record: StoredValue
  /** when it was last used */
  readonly seen: StoredValue
}

/** A session's id in the index of its subject. */
export interface IndexedSid {
  readonly sid: string
  /** whether the record was still to be written; a complete session without a record has ended */
  readonly isReserved: boolean
}

/**
 * Where sessions are made, changed and ended; requests read them by the SessionReader. Whatever fails or
 * takes too long is refused with `state-unavailable`: no method rejects.
 */
export interface SessionRecords {
  /**
   * Writes a record between two writes of its subject's index: the first reserves a place, the second
   * completes it.
   *
   * INVARIANT: the index names a session before its record exists; otherwise ending all sessions of a
   * subject could miss a new session. INVARIANT: no session is complete before its record exists;
   * otherwise sessions made at once could exceed a subject's bound, each without seeing the others.
   *
   * @param subject `<alias>|<stable subject>`
   * @returns how many sessions of the subject were complete when this one became so, itself included;
   *   null when there is a session of this sid already, which stays as it is
   */
  create(
    session: { readonly sid: string; readonly subject: string; readonly expiresAtSeconds: number },
    record: string,
  ): Promise<Result<number | null>>
  /** in the order asked for */
  read(sids: readonly string[]): Promise<Result<readonly StoredSession[]>>
  /**
   * Changes a record, and not when it ends.
   *
   * @returns false, and nothing changed or made, unless the record is exactly `expected`
   */
  replace(sid: string, expected: string, record: string): Promise<Result<boolean>>
  /**
   * Deletes a session with what was noted of it, and waits a moment for the replicas.
   *
   * @param subject null when it is not known; its index then drops the session by itself
   * @returns whether there was a record
   */
  delete(sid: string, subject: string | null): Promise<Result<boolean>>
  /** at most 1,000 sids of a subject; some of their sessions may have ended */
  sidsOf(subject: string): Promise<Result<readonly IndexedSid[]>>
  /** takes sids that have ended out of the index of a subject */
  dropFromIndex(subject: string, sids: readonly string[]): Promise<Result<void>>
}
