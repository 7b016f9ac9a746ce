import type { Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'

/**
 * The Redis commands that the stores of sessions and revocations use. A command that fails or takes
 * too long returns `state-unavailable`; no method rejects. Times are epoch seconds.
 */
export interface KeyValues {
  /**
   * Reads each key with its own GET. MGET would return null for a key of the wrong type.
   *
   * @returns a value for each key, in the order of `keys`
   */
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
  /**
   * @param expiresAtSeconds null for a key without expiry
   * @returns false without a change when the key exists, with any type
   */
  create(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<boolean>>
  /**
   * Sets the key and overwrites its value.
   *
   * @param expiresAtSeconds null for a key without expiry
   */
  write(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<void>>
  /**
   * Replaces a value and keeps the expiry.
   *
   * @returns false without a change unless the key holds exactly `expected`
   */
  replace(key: string, expected: string, text: string): Promise<Result<boolean>>
  /** @returns whether the key existed, with any type */
  delete(key: string): Promise<Result<boolean>>
  /** @returns false without a change unless the key holds exactly `expected` */
  deleteIf(key: string, expected: string): Promise<Result<boolean>>
  /**
   * Extends the expiry of a key of any type. A key that expires later, or never, keeps its expiry.
   *
   * @returns false when the key does not exist
   */
  extend(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /**
   * Adds a member to an index, a key that expires with its last member. Expired members are
   * removed. A key of another type is replaced, because an index can be rebuilt.
   *
   * @param isReserved whether the member has no record yet; a later call completes the member
   * @returns the number of complete members, counted in the same step
   */
  indexAdd(
    key: string,
    member: string,
    endsAtSeconds: number,
    isReserved: boolean,
  ): Promise<Result<number>>
  /**
   * @returns the 1,000 members that expire last, expired members included; `state-unavailable` for
   *   a key of another type, which must not read as empty
   */
  indexMembers(key: string): Promise<Result<readonly IndexMember[]>>
  indexRemove(key: string, member: string): Promise<Result<void>>
  /**
   * Waits a moment until the replicas have the writes of this connection to a key. Before that a
   * failover could undo the writes.
   *
   * @returns whether every replica confirmed; true without replicas
   */
  settle(key: string): Promise<Result<boolean>>
}

export interface IndexMember {
  readonly member: string
  /** whether the member has no record yet */
  readonly isReserved: boolean
}

export const MAX_INDEX_MEMBERS = 1000
