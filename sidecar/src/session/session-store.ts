import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

export interface SessionSnapshot {
  /** the encrypted record */
  readonly record: StoredValue
  /** sessions written before this time may be lost, in epoch seconds; 0 for no loss */
  readonly lostBeforeSeconds: number
  /** whether the store is unreachable, and the record was read before */
  readonly isFromOutage: boolean
}

/**
 * Reads sessions, and notes their use. A method that fails or takes too long returns
 * `state-unavailable`; no method rejects, and `absent` is returned only for a key that Redis
 * reported missing.
 */
export interface SessionReader {
  /**
   * Reads a record, then the state.
   *
   * INVARIANT: the loss is read after the record. Otherwise a flush between the reads would make a
   * lost session look ended, and log a person out.
   */
  read(sid: string, nowSeconds: number): Promise<Result<SessionSnapshot>>
  /** reads the time of last use, a key of its own, because no cache may hold it */
  readSeen(sid: string): Promise<Result<StoredValue>>
  /**
   * Notes a use of the session. The record is not written, so a deleted session never comes back.
   *
   * @param sealed time of the use, as the seal wrote it
   * @param expiresAtSeconds end of the session, at which the note expires too
   */
  touch(sid: string, sealed: string, expiresAtSeconds: number): Promise<Result<void>>
}

/** The stored values of a session. */
export interface StoredSession {
  readonly sid: string
  /** the encrypted record */
  readonly record: StoredValue
  /** time of last use */
  readonly seen: StoredValue
}

/** A session's id in the index of its subject. */
export interface IndexedSid {
  readonly sid: string
  /** whether the record is not written yet; a complete session without a record has ended */
  readonly isReserved: boolean
}

/**
 * Makes, changes and ends sessions; requests use `SessionReader`. A method that fails or takes too
 * long returns `state-unavailable`; no method rejects.
 */
export interface SessionRecords {
  /**
   * Writes a record between two writes of its subject's index: the first reserves a place, the
   * second completes it.
   *
   * INVARIANT: the index names a session before its record exists; otherwise ending all sessions of
   * a subject could miss a new session.
   *
   * INVARIANT: no session is complete before its record exists;
   * otherwise sessions made at once could exceed a subject's bound, each without seeing the others.
   *
   * @param subject `<issuer>|<stable subject>`
   * @returns the number of complete sessions of the subject when this session became complete,
   *   itself included; null without a change when a session of this sid exists
   */
  create(
    session: { readonly sid: string; readonly subject: string; readonly expiresAtSeconds: number },
    record: string,
  ): Promise<Result<number | null>>
  /** reads sessions, in the order of `sids` */
  read(sids: readonly string[]): Promise<Result<readonly StoredSession[]>>
  /**
   * Replaces a record and keeps its expiry.
   *
   * @returns false without a change unless the record is exactly `expected`
   */
  replace(sid: string, expected: string, record: string): Promise<Result<boolean>>
  /**
   * Deletes a session and its note of use, and waits a moment for the replicas.
   *
   * @param subject null while unknown; a later list then removes the sid from the index
   * @returns whether the record existed
   */
  delete(sid: string, subject: string | null): Promise<Result<boolean>>
  /** returns at most 1,000 sids of a subject; some of the sessions may have ended */
  sidsOf(subject: string): Promise<Result<readonly IndexedSid[]>>
  /** removes ended sids from the index of a subject */
  dropFromIndex(subject: string, sids: readonly string[]): Promise<Result<void>>
}
