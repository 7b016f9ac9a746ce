import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { seenKey } from '../domain/redis-keys.ts'
import type { StateAnomaly, StateObserver } from '../domain/state-observer.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { SessionKeys } from './record-cipher.ts'
import type { Session } from './session.ts'

/** The session of a note of use. */
export type SeenSession = Pick<Session, 'sid' | 'isUseSealed'>

/** Writes and reads the times of use under `bg:seen:<sid>`. */
export interface SeenSeal {
  /** @returns the value for Redis: the time and its seal, `<epoch seconds>.<base64url>` */
  seal(session: SeenSession, usedAtSeconds: number): string
  /**
   * Reads a time of use. A value without a valid seal counts as never seen and is reported.
   *
   * INVARIANT: only a time that a sidecar sealed for this session counts. Otherwise a writer of
   * Redis could keep an idle session alive. An older sealed value only shortens a session.
   *
   * @returns epoch seconds, 0 for never
   */
  read(session: SeenSession, seen: StoredValue, nowSeconds: number): number
}

/** The clock of another sidecar may be slightly ahead. */
const CLOCK_TOLERANCE_SECONDS = 30
const SEALED = /^([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/
const PLAIN = /^([0-9]{1,12})$/
const KEY_USE = 'brickgate bg:seen'

/**
 * Seals by HMAC-SHA-256 over session id and time, with keys derived from the keys of session
 * records (RFC 5869). The first key seals, all keys verify.
 *
 * A session of an earlier version keeps plain times until its end, because sidecars of that version
 * read only those.
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
