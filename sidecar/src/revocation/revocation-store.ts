import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

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
