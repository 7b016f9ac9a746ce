import { subjectKey } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import type { RecordCipher } from './record-cipher.ts'
import type { SeenSeal } from './seen-seal.ts'
import { encodeSession, type Session, sidOf } from './session.ts'
import { openRecord } from './session-record.ts'
import type { IndexedSid, SessionRecords, StoredSession } from './session-store.ts'
import type { IdleRule } from './session-use.ts'

/** A live session, for listing and administration. */
export interface ListedSession {
  readonly session: Session
  /** time of creation or last use, in epoch seconds; updated at most every 30 s */
  readonly lastSeenSeconds: number
}

/** A session to be made; the registry chooses `sid` and `isUseSealed`. */
export type SessionDraft = Omit<Session, 'sid' | 'isUseSealed'>

/** A new session. */
export interface OpenedSession {
  /** the client's session id; never stored, never logged */
  readonly id: string
  readonly session: Session
}

/**
 * Makes, lists, changes and ends sessions. Every method returns `state-unavailable` while the store
 * does not answer. Revocations are not checked here; `RevocationView` does that.
 */
export interface SessionRegistry {
  /**
   * Makes a session under a fresh id, until `expiresAtSeconds`. A subject has at most
   * `maxPerSubject` sessions of each kind, however many sidecars make them at once: a browser's
   * session replaces the oldest, and a program's returns `too-many-sessions`.
   *
   * @throws {z.ZodError} for a session that could not be read again
   */
  open(session: SessionDraft, nowSeconds: number): Promise<Result<OpenedSession>>
  /**
   * Returns the live sessions of a subject, at most 1,000, ordered by their end. Sessions without a
   * record are removed from the subject's index.
   *
   * @param subject `<issuer>|<stable subject>`
   */
  list(subject: string, nowSeconds: number): Promise<Result<readonly ListedSession[]>>
  /** @returns null without a live session of this sid */
  find(sid: string, nowSeconds: number): Promise<Result<ListedSession | null>>
  /**
   * Replaces `before` by `after`, with the same id and end.
   *
   * @returns false when the session changed or ended meanwhile; an ended session never comes back
   * @throws {RangeError} when `after` has another sid, subject or end
   */
  update(before: Session, after: Session): Promise<Result<boolean>>
  /**
   * Ends a session.
   *
   * @returns whether the session existed
   */
  end(session: Pick<Session, 'sid' | 'principal'>): Promise<Result<boolean>>
}

export interface SessionRegistryDeps {
  readonly records: SessionRecords
  readonly cipher: RecordCipher
  readonly observer: StateObserver
  /** returns a new `bgs_` id of 256 random bits */
  readonly newId: () => string
  readonly seal: Pick<SeenSeal, 'read'>
  /** limit for each kind; at most 1,000 sessions of both kinds are read */
  readonly maxPerSubject: number
  readonly isIdle: IdleRule
}

/** Records opened at once, so that a subject with many sessions does not delay other requests. */
const BATCH = 50

export function createSessionRegistry(deps: SessionRegistryDeps): SessionRegistry {
  const { records, cipher } = deps
  return {
    open,
    list: async (subject, nowSeconds) => {
      const sids = await records.sidsOf(subject)
      if (!sids.ok) return sids
      const listed: ListedSession[] = []
      for (let at = 0; at < sids.value.length; at += BATCH) {
        const batch = await listBatch(sids.value.slice(at, at + BATCH), subject, nowSeconds)
        if (!batch.ok) return batch
        listed.push(...batch.value)
      }
      return ok(listed)
    },
    find: async (sid, nowSeconds) => {
      const found = await records.read([sid])
      if (!found.ok) return found
      return ok(found.value[0] === undefined ? null : await openLive(found.value[0], nowSeconds))
    },
    update: async (before, after) => {
      if (!isSameSession(before, after)) throw new RangeError('an update is of the same session')
      const found = await records.read([before.sid])
      if (!found.ok) return found
      const [stored] = found.value
      const held = stored === undefined ? null : await openRecord(deps, stored.sid, stored.record)
      if (stored?.record.kind !== 'text' || held === null) return ok(false)
      if (encodeSession(held) !== encodeSession(before)) return ok(false)
      // INVARIANT: only the compared record is replaced. Otherwise a session that ended or changed
      // meanwhile would come back.
      const record = await cipher.encrypt(encodeSession(after))
      return records.replace(before.sid, stored.record.text, record)
    },
    end: ({ sid, principal }) => records.delete(sid, subjectKey(principal)),
  }

  async function open(draft: SessionDraft, nowSeconds: number): Promise<Result<OpenedSession>> {
    const id = deps.newId()
    const session: Session = { ...draft, sid: sidOf(id), isUseSealed: true }
    if (session.expiresAtSeconds <= nowSeconds) return refuse('session-expired')
    const record = await cipher.encrypt(encodeSession(session))
    const complete = await records.create(keysOf(session), record)
    if (!complete.ok) return complete
    if (complete.value === null) return refuse('internal-error')
    const kept = await keepBound(session, complete.value, nowSeconds)
    if (kept.ok) return ok({ id, session })
    await records.delete(session.sid, subjectKey(session.principal))
    return kept
  }

  /**
   * INVARIANT: of sessions made at once, the last to become complete counts all of them; otherwise
   * together they could exceed the bound. Sessions within the first `maxPerSubject` need no look at
   * the others.
   *
   * @param complete how many sessions the subject had when the new one became complete
   * @returns `too-many-sessions` for a program's session beyond the bound; for a browser's, ends
   *   the oldest instead
   */
  async function keepBound(
    { sid, principal, kind }: Session,
    complete: number,
    nowSeconds: number,
  ): Promise<Result<void>> {
    if (complete <= deps.maxPerSubject) return ok(undefined)
    const subject = subjectKey(principal)
    const sids = await records.sidsOf(subject)
    if (!sids.ok) return sids
    const held = await openAll(
      sids.value.filter(({ isReserved }) => !isReserved),
      subject,
      nowSeconds,
    )
    if (!held.ok) return held
    const others = held.value.filter((session) => session.kind === kind && session.sid !== sid)
    const excess = others.length + 1 - deps.maxPerSubject
    if (excess <= 0) return ok(undefined)
    if (kind === 'program') return refuse('too-many-sessions')
    const oldestFirst = others.toSorted((a, b) => a.createdAtSeconds - b.createdAtSeconds)
    for (const oldest of oldestFirst.slice(0, excess)) {
      const ended = await records.delete(oldest.sid, subject)
      if (!ended.ok) return ended
    }
    return ok(undefined)
  }

  /**
   * Opens every session that counts for the bound, also idle sessions, whose records still exist.
   */
  async function openAll(
    sids: readonly IndexedSid[],
    subject: string,
    nowSeconds: number,
  ): Promise<Result<readonly Session[]>> {
    const sessions: Session[] = []
    for (let at = 0; at < sids.length; at += BATCH) {
      const found = await readBatch(sids.slice(at, at + BATCH), subject)
      if (!found.ok) return found
      const opened = found.value.map(({ sid, record }) => openRecord(deps, sid, record))
      for (const session of await Promise.all(opened)) {
        const isHeld = session !== null && session.expiresAtSeconds > nowSeconds
        if (isHeld && subjectKey(session.principal) === subject) sessions.push(session)
      }
    }
    return ok(sessions)
  }

  /**
   * Reads the records of a subject's sessions, and removes the ended ones from its index.
   *
   * INVARIANT: a reserved sid stays in the index, because its record may be written after this
   * read; otherwise ending all sessions of the subject would miss that session.
   */
  async function readBatch(
    sids: readonly IndexedSid[],
    subject: string,
  ): Promise<Result<readonly StoredSession[]>> {
    const found = await records.read(sids.map(({ sid }) => sid))
    if (!found.ok) return found
    const isAbsent = (at: number): boolean => found.value[at]?.record.kind === 'absent'
    const ended = sids.filter(({ isReserved }, at) => !isReserved && isAbsent(at))
    if (ended.length > 0) {
      await records.dropFromIndex(
        subject,
        ended.map(({ sid }) => sid),
      )
    }
    return ok(found.value.filter(({ record }) => record.kind !== 'absent'))
  }

  async function listBatch(
    sids: readonly IndexedSid[],
    subject: string,
    nowSeconds: number,
  ): Promise<Result<readonly ListedSession[]>> {
    const found = await readBatch(sids, subject)
    if (!found.ok) return found
    const opened = await Promise.all(found.value.map((stored) => openLive(stored, nowSeconds)))
    // INVARIANT: a list contains only sessions of its subject. Otherwise a writer of Redis could
    // show a person the sessions of another.
    const live = opened.filter((one) => one !== null)
    return ok(live.filter(({ session }) => subjectKey(session.principal) === subject))
  }

  async function openLive(
    { sid, record, seen }: StoredSession,
    nowSeconds: number,
  ): Promise<ListedSession | null> {
    const session = await openRecord(deps, sid, record)
    if (session === null || session.expiresAtSeconds <= nowSeconds) return null
    const noted = deps.seal.read(session, seen, nowSeconds)
    const lastSeenSeconds = Math.max(session.createdAtSeconds, noted)
    return deps.isIdle(session, lastSeenSeconds, nowSeconds) ? null : { session, lastSeenSeconds }
  }
}

function keysOf({ sid, principal, expiresAtSeconds }: Session): {
  sid: string
  subject: string
  expiresAtSeconds: number
} {
  return { sid, subject: subjectKey(principal), expiresAtSeconds }
}

function isSameSession(before: Session, after: Session): boolean {
  return (
    before.sid === after.sid &&
    before.expiresAtSeconds === after.expiresAtSeconds &&
    subjectKey(before.principal) === subjectKey(after.principal)
  )
}
