import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { seenKey } from '../domain/redis-keys.ts'
import type { StateAnomaly, StateObserver } from '../domain/state-observer.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { SessionKeys } from './record-cipher.ts'
import type { Session } from './session.ts'

/** The session whose use is noted. */
export type SeenSession = Pick<Session, 'sid' | 'isUseSealed'>

/** Writes and reads the moments under `bg:seen:<sid>`. */
export interface SeenSeal {
  /** @returns the value for Redis: the moment and its seal, `<epoch seconds>.<base64url>` */
  seal(session: SeenSession, usedAtSeconds: number): string
  /**
   * INVARIANT: only a moment that a sidecar noted for this very session counts. Any other value counts as
   * never seen and is reported, so a writer of Redis can shorten the life of a session and never lengthen
   * it: an earlier genuine moment, put back, is an earlier moment.
   *
   * @returns epoch seconds, 0 for never
   */
  read(session: SeenSession, seen: StoredValue, nowSeconds: number): number
}

/** The clock of another sidecar may be a little ahead. */
const CLOCK_TOLERANCE_SECONDS = 30
const SEALED = /^([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/
const PLAIN = /^([0-9]{1,12})$/
const KEY_USE = 'brickgate bg:seen'

/**
 * Seals by HMAC-SHA-256 over session id and moment. Its keys are derived from those of the session
 * records (RFC 5869): the first seals, all verify.
 *
 * A session that an earlier version made has plain moments until its end, because sidecars of that
 * version use the session too and read nothing else.
 */
export function createSeenSeal(keys: SessionKeys, observer: StateObserver): SeenSeal {
  const [current, ...previous] = keys
  const currentKey = derived(current)
  const allKeys = [currentKey, ...previous.map(derived)]

  return {
    seal: ({ sid, isUseSealed }, usedAtSeconds) => {
      const moment = String(usedAtSeconds)
      return isUseSealed ? `${moment}.${sealOf(currentKey, sid, moment)}` : moment
    },
    read(session, seen, nowSeconds) {
      if (seen.kind === 'absent') return 0
      const moment = momentOf(session, seen)
      if (moment.kind !== 'genuine') {
        observer.anomaly(moment.kind, seenKey(session.sid))
        return 0
      }
      return moment.seconds < nowSeconds + CLOCK_TOLERANCE_SECONDS ? moment.seconds : 0
    },
  }

  function momentOf({ sid, isUseSealed }: SeenSession, seen: StoredValue): Moment {
    if (seen.kind !== 'text') return { kind: 'wrong-type' }
    const [, moment, seal = ''] = (isUseSealed ? SEALED : PLAIN).exec(seen.text) ?? []
    if (moment === undefined) return { kind: 'malformed' }
    if (isUseSealed && !allKeys.some((key) => isSame(sealOf(key, sid, moment), seal))) {
      return { kind: 'unsealed' }
    }
    return { kind: 'genuine', seconds: Number(moment) }
  }
}

type Moment =
  | { readonly kind: 'genuine'; readonly seconds: number }
  | { readonly kind: Extract<StateAnomaly, 'wrong-type' | 'malformed' | 'unsealed'> }

function derived(sessionKey: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', sessionKey, '', KEY_USE, 32))
}

function sealOf(key: Buffer, sid: string, moment: string): string {
  return createHmac('sha256', key).update(`${sid}\n${moment}`).digest('base64url')
}

/** Both are 43 characters long. */
function isSame(own: string, given: string): boolean {
  return timingSafeEqual(Buffer.from(own), Buffer.from(given))
}
