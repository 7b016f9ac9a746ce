import { type Principal, signInSeconds } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import { type StoredValue, WRONG_TYPE } from '../domain/stored-value.ts'
import type { Session } from '../session/session.ts'
import { revocationKeys } from './revocation-keys.ts'
import { anomalyOf, isRefused } from './revocation-rule.ts'

export interface RevocationSnapshot {
  /** in the order of the keys */
  readonly values: readonly StoredValue[]
  /** revocations written before this time may be lost, in epoch seconds; 0 for no loss */
  readonly lostBeforeSeconds: number
  /** whether the store is unreachable, and the values were read before */
  readonly isFromOutage: boolean
}

/**
 * Reads revocations. A read that fails or takes too long returns `state-unavailable`; `read` never
 * rejects, and returns `absent` only for a key that Redis reported missing.
 */
export interface RevocationStore {
  /**
   * Reads values, then the state.
   *
   * INVARIANT: the loss is read after the values. Otherwise a flush between the reads would make a
   * lost revocation look like none.
   */
  read(keys: readonly string[], nowSeconds: number): Promise<Result<RevocationSnapshot>>
}

/** A caller without a revocation. */
export interface Unrevoked {
  /** whether the values were read before an outage of the store, within the configured time */
  readonly isFromOutage: boolean
}

/** Checks verified callers for revocations. */
export interface RevocationView {
  /**
   * @param session null for a bearer token
   * @returns `token-revoked` or `session-revoked` for a revoked caller, `state-lost` for a token
   *   whose revocation may have been lost, `state-unavailable` when the store cannot be read
   */
  check(
    principal: Principal,
    session: Pick<Session, 'sid' | 'signInSeconds' | 'accessToken'> | null,
    nowSeconds: number,
  ): Promise<Result<Unrevoked>>
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
      const { values, lostBeforeSeconds, isFromOutage } = reading.value

      const signedInSeconds = session?.signInSeconds ?? signInSeconds(principal)
      let isRevoked = false
      for (const [index, key] of keys.entries()) {
        const value = values[index] ?? WRONG_TYPE
        const anomaly = anomalyOf(key, value)
        if (anomaly !== null) deps.observer.anomaly(anomaly, key.name)
        isRevoked ||= isRefused(key, value, signedInSeconds, deps.clockSkewSeconds)
      }
      if (isRevoked) return refuse(session === null ? 'token-revoked' : 'session-revoked')
      const lostUntilSeconds = lostBeforeSeconds + deps.clockSkewSeconds
      const isSafe =
        session !== null || lostBeforeSeconds === 0 || signedInSeconds > lostUntilSeconds
      if (!isSafe) return refuse('state-lost')
      return ok({ isFromOutage })
    },
  }
}
