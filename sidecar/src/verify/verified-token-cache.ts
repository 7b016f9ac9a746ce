import type { Principal } from '../domain/principal.ts'

/** A token whose signature and claims were found good under the keys of `epoch`. */
export interface VerifiedToken {
  readonly principal: Principal
  readonly epoch: symbol
}

/** Remembers verified tokens by the SHA-256 of their whole text; the least recently used goes first. */
export interface VerifiedTokenCache {
  get(digest: string): VerifiedToken | undefined
  set(digest: string, verified: VerifiedToken): void
}

/** @param maxEntries 0 keeps nothing */
export function createVerifiedTokenCache(maxEntries: number): VerifiedTokenCache {
  const entries = new Map<string, VerifiedToken>()
  function touch(digest: string, verified: VerifiedToken): void {
    entries.delete(digest)
    entries.set(digest, verified)
  }
  return {
    get(digest) {
      const verified = entries.get(digest)
      if (verified !== undefined) touch(digest, verified)
      return verified
    },
    set(digest, verified) {
      touch(digest, verified)
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
    },
  }
}
