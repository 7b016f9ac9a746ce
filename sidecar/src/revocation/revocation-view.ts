import { type Principal, signInSeconds } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import { type StoredValue, WRONG_TYPE } from '../domain/stored-value.ts'
import type { Session } from '../session/session.ts'
import { revocationKeys } from './revocation-keys.ts'
import { anomalyOf, isRefused } from './revocation-rule.ts'

export interface RevocationReading {
  /** in the order of the keys asked for */
  readonly values: readonly StoredValue[]
  /** until when revocations may have been lost, in epoch seconds; 0 when nothing was */
  readonly lostSinceSeconds: number
  /** whether the store is out of reach, and this is what was known before */
  readonly isFromOutage: boolean
}

/**
 * Where revocations lie. Whatever fails or takes too long is refused with `state-unavailable`: `read`
 * never rejects, and never answers `absent` for what it could not read.
 */
export interface RevocationStore {
  /**
   * INVARIANT: the loss is read after the values, so that a revocation that vanished with everything
   * else is never taken for one that was not there.
   */
  read(keys: readonly string[], nowSeconds: number): Promise<Result<RevocationReading>>
}

/** In what way a caller is in good standing. */
export interface Standing {
  /** whether that is what was known before an outage of the store, for as long as configured */
  readonly isFromOutage: boolean
}

/** Whether a verified caller is still in good standing. */
export interface RevocationView {
  /**
   * @param session null for a bearer token
   * @returns refuses with `token-revoked` or `session-revoked`, with `state-lost` a token whose
   *   revocation may have been lost, and with `state-unavailable` while nobody can tell
   */
  check(
    principal: Principal,
    session: Pick<Session, 'sid' | 'signInSeconds' | 'accessToken'> | null,
    nowSeconds: number,
  ): Promise<Result<Standing>>
}

export interface RevocationViewDeps {
  readonly store: RevocationStore
  readonly observer: StateObserver
  readonly clockSkewSeconds: number
}

export function createRevocationView(deps: RevocationViewDeps): RevocationView {
  return {
    check: async (principal, session, nowSeconds) => {
      const keys = revocationKeys(principal, session)
      const reading = await deps.store.read(
        keys.map((key) => key.name),
        nowSeconds,
      )
      if (!reading.ok) return reading
      const { values, lostSinceSeconds, isFromOutage } = reading.value

      const signedInSeconds = session?.signInSeconds ?? signInSeconds(principal)
      let isRevoked = false
      for (const [index, key] of keys.entries()) {
        const value = values[index] ?? WRONG_TYPE
        const anomaly = anomalyOf(key, value)
        if (anomaly !== null) deps.observer.anomaly(anomaly, key.name)
        isRevoked ||= isRefused(key, value, signedInSeconds, deps.clockSkewSeconds)
      }
      if (isRevoked) return refuse(session === null ? 'token-revoked' : 'session-revoked')
      const lostUntilSeconds = lostSinceSeconds + deps.clockSkewSeconds
      const isSafe =
        session !== null || lostSinceSeconds === 0 || signedInSeconds > lostUntilSeconds
      if (!isSafe) return refuse('state-lost')
      return ok({ isFromOutage })
    },
  }
}
