import type { Result } from '../domain/result.ts'

/**
 * Locks that all sidecars share. One that nobody lets go ends by itself. Nothing rejects; what fails is
 * refused with `state-unavailable`.
 */
export interface LockStore {
  /** @returns false when another holds it */
  acquire(key: string, owner: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /** Lets go of it, unless it is another's by now. */
  release(key: string, owner: string): Promise<Result<boolean>>
  /** Sets when a lock that one holds ends by itself. */
  hold(key: string, owner: string, expiresAtSeconds: number): Promise<Result<void>>
}
