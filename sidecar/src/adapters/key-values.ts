import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

/**
 * The few commands that the stores of sessions and revocations are made of. Whatever fails or takes too
 * long is refused with `state-unavailable`; nothing rejects.
 */
export interface KeyValues {
  /**
   * Each key by a GET of its own, in the order given: MGET would answer null for a key of the wrong type.
   *
   * @returns as many values as keys, in their order
   */
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
  /**
   * @param expiresAtSeconds null for a key that stays
   * @returns false, and nothing changed, when the key exists with whatever type
   */
  create(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<boolean>>
  /** Sets the key, whatever it held. */
  write(key: string, text: string, expiresAtSeconds: number): Promise<Result<void>>
  /** @returns false, and nothing changed, unless the key holds exactly `expected` */
  replace(key: string, expected: string, text: string): Promise<Result<boolean>>
}
