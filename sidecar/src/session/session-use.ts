import { createRecentMap } from '../domain/recent-map.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { Session } from './session.ts'
import type { SessionStore } from './session-store.ts'
import type { StateAnomaly } from './state-observer.ts'

/** When sessions were last used, as far as this process has seen. */
export interface SessionUse {
  /** @returns when the session was made or last used, as far as is known here, in epoch seconds */
  lastUsedSeconds(session: Session): number
  /** Remembers what another process noted: the requests that follow do not ask again. */
  learn(session: Session, seenAtSeconds: number): void
  /**
   * Notes that a session is used now. A request does not wait for it, its failure is the adapter's to
   * count, and while Redis takes no writes a session in use does not become idle here.
   */
  note(session: Session, nowSeconds: number): void
}

const CLOCK_TOLERANCE_SECONDS = 30
const MAX_REMEMBERED = 10_000

export function createSessionUse(store: Pick<SessionStore, 'touch'>): SessionUse {
  /** requests that come together must not each write */
  const noted = createRecentMap<number>({ maxEntries: MAX_REMEMBERED })
  return {
    lastUsedSeconds: ({ sid, createdAtSeconds }) => Math.max(createdAtSeconds, noted.get(sid) ?? 0),
    learn: ({ sid }, seenAtSeconds) => noted.set(sid, Math.max(noted.get(sid) ?? 0, seenAtSeconds)),
    note: ({ sid, expiresAtSeconds }, nowSeconds) => {
      noted.set(sid, nowSeconds)
      void store.touch(sid, Math.floor(nowSeconds), expiresAtSeconds)
    },
  }
}

/**
 * The moment that stands under a session's last-seen key; what is no moment of the past counts as never seen, so that nothing written there outlasts real use;
 * another sidecar's clock may be a little ahead.
 */
export function seenSeconds(
  seen: StoredValue,
  nowSeconds: number,
  report: (kind: StateAnomaly) => void,
): number {
  if (seen.kind === 'absent') return 0
  const text = seen.kind === 'text' ? seen.text : ''
  if (!/^[0-9]{1,12}$/.test(text)) {
    report(seen.kind === 'text' ? 'malformed' : 'wrong-type')
    return 0
  }
  const seconds = Number(text)
  return seconds < nowSeconds + CLOCK_TOLERANCE_SECONDS ? seconds : 0
}
