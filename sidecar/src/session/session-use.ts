import type { StoredValue } from '../domain/stored-value.ts'
import type { Session } from './session.ts'
import { seenKey } from './session-id.ts'
import type { SessionStore } from './session-store.ts'
import type { StateObserver } from './state-observer.ts'

/** When sessions were last used: what Redis notes of it, and what this process itself has seen. */
export interface SessionUse {
  /**
   * @param seen what stands under the session's last-seen key
   * @returns when the session was made or last used, in epoch seconds
   */
  lastUsedSeconds(session: Session, seen: StoredValue, nowSeconds: number): number
  /**
   * Notes that a session is used now. A request does not wait for it, its failure is the adapter's to
   * count, and while Redis takes no writes a session in use does not become idle here.
   */
  note(session: Session, nowSeconds: number): void
}

const CLOCK_TOLERANCE_SECONDS = 30
const MAX_REMEMBERED = 10_000

export function createSessionUse(store: SessionStore, observer: StateObserver): SessionUse {
  /** oldest first; requests that come together must not each write */
  const noted = new Map<string, number>()
  return {
    lastUsedSeconds: ({ sid, createdAtSeconds }, seen, nowSeconds) =>
      Math.max(
        createdAtSeconds,
        noted.get(sid) ?? 0,
        seenSeconds(seen, nowSeconds, (kind) => observer.anomaly(kind, seenKey(sid))),
      ),
    note: ({ sid, expiresAtSeconds }, nowSeconds) => {
      noted.delete(sid)
      noted.set(sid, nowSeconds)
      const [oldest] = noted.keys()
      if (noted.size > MAX_REMEMBERED && oldest !== undefined) noted.delete(oldest)
      void store.touch(sid, Math.floor(nowSeconds), expiresAtSeconds)
    },
  }
}

/**
 * What is no moment of the past counts as never seen, so that nothing written there outlasts real use;
 * another sidecar's clock may be a little ahead.
 */
export function seenSeconds(
  seen: StoredValue,
  nowSeconds: number,
  report: (kind: 'wrong-type' | 'malformed') => void,
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
