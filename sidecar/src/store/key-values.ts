import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

/**
 * The few commands that the stores of sessions and revocations are made of. Whatever fails or takes too
 * long is refused with `state-unavailable`; nothing rejects. Moments are epoch seconds.
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
  /** Sets the key, whatever it held. @param expiresAtSeconds null for a key that stays */
  write(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<void>>
  /**
   * Changes a value, and not when the key ends.
   *
   * @returns false, and nothing changed or made, unless the key holds exactly `expected`
   */
  replace(key: string, expected: string, text: string): Promise<Result<boolean>>
  /** @returns whether there was one, of whatever type */
  delete(key: string): Promise<Result<boolean>>
  /** @returns false, and nothing changed, unless the key holds exactly `expected` */
  deleteIf(key: string, expected: string): Promise<Result<boolean>>
  /**
   * Lets a key, of whatever type, end later. One that ends later than that, or never, stays as it is.
   *
   * @returns false when there is no such key
   */
  extend(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /**
   * Adds a member to an index, which is a key of its own and ends with its last member. Members that
   * have ended are removed; a key of another type is replaced, because an index can be rebuilt.
   *
   * @param isReserved whether the member's record is still to be written; a later call completes it
   * @returns how many members are complete, counted in the same step
   */
  indexAdd(
    key: string,
    member: string,
    endsAtSeconds: number,
    isReserved: boolean,
  ): Promise<Result<number>>
  /**
   * @returns at most 1,000, those that end last; some may have ended. Refuses for a key of another type,
   *   which must not read as empty
   */
  indexMembers(key: string): Promise<Result<readonly IndexMember[]>>
  indexRemove(key: string, member: string): Promise<Result<void>>
  /**
   * Waits a moment until the replicas hold what was written to a key through this connection: until then
   * a failover could take it back.
   *
   * @returns whether all there are, be it none, said so
   */
  settle(key: string): Promise<Result<boolean>>
}

export interface IndexMember {
  readonly member: string
  /** whether its record was still to be written */
  readonly isReserved: boolean
}

export const MAX_INDEX_MEMBERS = 1000
