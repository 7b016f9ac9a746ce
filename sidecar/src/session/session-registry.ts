import { subjectKey } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { openRecord } from './open-record.ts'
import { encodeSession, idleLimitSeconds, type Session } from './session.ts'
import type { SessionCipher } from './session-cipher.ts'
import { seenKey, sidOf } from './session-id.ts'
import type { SessionRecords, StoredSession } from './session-records.ts'
import { seenSeconds } from './session-use.ts'
import type { StateObserver } from './state-observer.ts'

/** A session as it stands, for those who look after sessions. */
export interface ListedSession {
  readonly session: Session
  /** when it was made or last used, in epoch seconds; noted at most every 30 s */
  readonly lastSeenSeconds: number
}

/** A session just made. */
export interface OpenedSession {
  /** what the client presents; it is kept nowhere, and must not be logged */
  readonly id: string
  readonly session: Session
}

/**
 * Makes, lists, changes and ends sessions. Every method refuses with `state-unavailable` while the store
 * does not answer. Whether a session is revoked is for the RevocationView to say.
 */
export interface SessionRegistry {
  /**
   * Makes a session under a fresh id, until `expiresAtSeconds`.
   *
   * @throws {z.ZodError} for a session that could not be read again
   */
  open(session: Omit<Session, 'sid'>, nowSeconds: number): Promise<Result<OpenedSession>>
  /**
   * The live sessions of a subject, at most 1,000, those that end last at the end. Its index loses those
   * whose record is gone.
   *
   * @param subject `<alias>|<stable subject>`
   */
  list(subject: string, nowSeconds: number): Promise<Result<readonly ListedSession[]>>
  /** @returns null unless there is a live session of this sid */
  find(sid: string, nowSeconds: number): Promise<Result<ListedSession | null>>
  /**
   * Puts `after` where `before` is, under the same id and until the same moment.
   *
   * @returns false when the session has changed or ended meanwhile: one that ended never comes back
   * @throws {RangeError} when `after` has another sid, subject or end
   */
  update(before: Session, after: Session): Promise<Result<boolean>>
  /** Ends a session. @returns whether there was one */
  end(session: Pick<Session, 'sid' | 'principal'>): Promise<Result<boolean>>
}

export interface SessionRegistryDeps {
  readonly records: SessionRecords
  readonly cipher: SessionCipher
  readonly observer: StateObserver
  /** a fresh `bgs_` id of 256 random bits */
  readonly newId: () => string
  readonly idleTimeoutSeconds: number
}

/** Records are opened a few at a time, so that a subject of many sessions holds nobody up. */
const BATCH = 50

export function createSessionRegistry(deps: SessionRegistryDeps): SessionRegistry {
  const { records, cipher, observer } = deps
  return {
    open: async (draft, nowSeconds) => {
      const id = deps.newId()
      const session: Session = { ...draft, sid: sidOf(id) }
      if (session.expiresAtSeconds <= nowSeconds) return refuse('session-expired')
      const record = await cipher.encrypt(encodeSession(session))
      const created = await records.create(keysOf(session), record)
      if (!created.ok) return created
      return created.value ? ok({ id, session }) : refuse('internal-error')
    },
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
      // INVARIANT: nothing but the very record that was compared is replaced.
      const record = await cipher.encrypt(encodeSession(after))
      return records.replace(before.sid, stored.record.text, record)
    },
    end: ({ sid, principal }) => records.delete(sid, subjectKey(principal)),
  }

  async function listBatch(
    sids: readonly string[],
    subject: string,
    nowSeconds: number,
  ): Promise<Result<readonly ListedSession[]>> {
    const found = await records.read(sids)
    if (!found.ok) return found
    const gone = found.value.filter(({ record }) => record.kind === 'absent')
    if (gone.length > 0) {
      await records.dropFromIndex(
        subject,
        gone.map(({ sid }) => sid),
      )
    }
    const opened = await Promise.all(found.value.map((stored) => openLive(stored, nowSeconds)))
    // INVARIANT: whoever writes to the index shows nobody the session of another.
    const live = opened.filter((one) => one !== null)
    return ok(live.filter(({ session }) => subjectKey(session.principal) === subject))
  }

  async function openLive(
    { sid, record, seen }: StoredSession,
    nowSeconds: number,
  ): Promise<ListedSession | null> {
    const session = await openRecord(deps, sid, record)
    if (session === null || session.expiresAtSeconds <= nowSeconds) return null
    const noted = seenSeconds(seen, nowSeconds, (kind) => observer.anomaly(kind, seenKey(sid)))
    const lastSeenSeconds = Math.max(session.createdAtSeconds, noted)
    const idleLimit = idleLimitSeconds(session, deps.idleTimeoutSeconds)
    return nowSeconds - lastSeenSeconds > idleLimit ? null : { session, lastSeenSeconds }
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
