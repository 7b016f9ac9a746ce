import { LRUCache } from 'lru-cache'
import type { StoredValue } from '../domain/stored-value.ts'
import { type Outage, outageSeconds } from './outage.ts'
import type { SeenSeal, SeenSession } from './seen-seal.ts'
import { idleLimitSeconds, type Session } from './session.ts'
import type { SessionReader } from './session-store.ts'

/**
 * Whether a session was unused for too long.
 *
 * @param lastUsedSeconds time of creation or last use, in epoch seconds
 */
export type IdleRule = (session: Session, lastUsedSeconds: number, nowSeconds: number) => boolean

/**
 * Time in outages does not count as idle time. The absolute end of a session is not part of this
 * rule, and no outage moves it.
 *
 * INVARIANT: a session is idle after an outage exactly if it was idle without the time of the
 * outage. Otherwise an outage would log people out, or revive sessions that had ended.
 *
 * @param outages returns the outages known at the time of the call
 */
export function createIdleRule(
  idleTimeoutSeconds: number,
  outages: () => readonly Outage[],
): IdleRule {
  return (session, lastUsedSeconds, nowSeconds) => {
    const limitSeconds = idleLimitSeconds(session, idleTimeoutSeconds)
    const excessSeconds = nowSeconds - lastUsedSeconds - limitSeconds
    // outages are read only for a session that would otherwise end
    return (
      excessSeconds > 0 && excessSeconds > outageSeconds(outages(), lastUsedSeconds, nowSeconds)
    )
  }
}

/** The use of a session, in epoch seconds. */
export interface NotedUse extends SeenSession {
  readonly usedAtSeconds: number
  /** end of the session */
  readonly expiresAtSeconds: number
}

/** Times at which sessions were last used, as far as this process knows. */
export interface SessionUse {
  /** @param lastUsedSeconds as Redis has it, 0 for no note; notes of this process count too */
  isIdle: IdleRule
  /** @returns time of creation or last use, as far as this process knows, in epoch seconds */
  lastUsedSeconds(session: Session): number
  /** Remembers a note of another process, so that later requests do not read it again. */
  learn(session: Session, seen: StoredValue, nowSeconds: number): void
  /**
   * Notes a use of a session. The request does not wait for the write. A note that Redis does not
   * store is kept for `saveAgain`; the adapter counts the failure.
   */
  note(session: Session, nowSeconds: number): void
  /** Writes the kept notes. Never rejects, and stops at the first new failure. */
  saveAgain(nowSeconds: number): Promise<void>
  /** @returns the kept notes */
  unsaved(): readonly NotedUse[]
  /** Adds the notes of another process, which ends. */
  adopt(uses: readonly NotedUse[]): void
}

export interface SessionUseDeps {
  readonly store: Pick<SessionReader, 'touch' | 'readSeen'>
  readonly seal: SeenSeal
  readonly isIdle: IdleRule
}

const MAX_REMEMBERED = 10_000
/** Notes written at once, so that requests are not delayed. */
const BATCH = 50

export function createSessionUse({ store, seal, isIdle }: SessionUseDeps): SessionUse {
  /** requests that come together must not each write */
  const noted = new LRUCache<string, number>({ max: MAX_REMEMBERED })
  const unsaved = new LRUCache<string, NotedUse>({ max: MAX_REMEMBERED })
  let saving: Promise<void> | null = null

  return {
    isIdle: (session, seenAtSeconds, nowSeconds) =>
      isIdle(session, Math.max(seenAtSeconds, lastUsedSeconds(session)), nowSeconds),
    lastUsedSeconds,
    learn: (session, seen, nowSeconds) =>
      remember(session.sid, seal.read(session, seen, nowSeconds)),
    note: ({ sid, isUseSealed, expiresAtSeconds }, nowSeconds) => {
      noted.set(sid, nowSeconds)
      const usedAtSeconds = Math.floor(nowSeconds)
      void save({ sid, isUseSealed, usedAtSeconds, expiresAtSeconds })
    },
    saveAgain: (nowSeconds) => {
      saving ??= saveAll(nowSeconds).finally(() => {
        saving = null
      })
      return saving
    },
    unsaved: uses,
    adopt: (adopted) => {
      for (const use of adopted) {
        remember(use.sid, use.usedAtSeconds)
        keep(use)
      }
    },
  }

  function lastUsedSeconds({ sid, createdAtSeconds }: Session): number {
    return Math.max(createdAtSeconds, noted.get(sid) ?? 0)
  }

  function remember(sid: string, usedAtSeconds: number): void {
    noted.set(sid, Math.max(noted.get(sid) ?? 0, usedAtSeconds))
  }

  function uses(): readonly NotedUse[] {
    return [...unsaved.rvalues()].filter((use) => use !== undefined) // oldest first
  }

  function keep(use: NotedUse): void {
    const before = unsaved.get(use.sid)
    if (before === undefined || before.usedAtSeconds < use.usedAtSeconds) unsaved.set(use.sid, use)
  }

  async function saveAll(nowSeconds: number): Promise<void> {
    const all = uses()
    for (let at = 0; at < all.length; at += BATCH) {
      const batch = all.slice(at, at + BATCH)
      const saved = await Promise.all(batch.map((use) => saveUnlessLater(use, nowSeconds)))
      if (!saved.every(Boolean)) return
    }
  }

  /** @returns whether Redis stored the note */
  async function save(use: NotedUse): Promise<boolean> {
    const sealed = seal.seal(use, use.usedAtSeconds)
    const touched = await store.touch(use.sid, sealed, use.expiresAtSeconds)
    if (!touched.ok) keep(use)
    else if ((unsaved.get(use.sid)?.usedAtSeconds ?? 0) <= use.usedAtSeconds)
      unsaved.delete(use.sid)
    return touched.ok
  }

  /**
   * INVARIANT: an old note never replaces a later note of another process. Otherwise a session in
   * use could become idle.
   */
  async function saveUnlessLater(use: NotedUse, nowSeconds: number): Promise<boolean> {
    const seen = await store.readSeen(use.sid)
    if (!seen.ok) return false
    if (seal.read(use, seen.value, nowSeconds) < use.usedAtSeconds) return save(use)
    unsaved.delete(use.sid)
    return true
  }
}
