import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../domain/clock.ts'
import type { KeySet, KeySource, RefreshOutcome } from '../../verify/key-source.ts'

/** A process's own copy of the keys that the primary process fetches. */
export interface PushedKeys extends KeySource {
  /** stores a set from the primary; a set older than the copy is ignored */
  receive(set: KeySet): void
}

/** Further made-up key ids push out older ids, which then count as new: 503 instead of 401. */
const REMEMBERED_KEY_IDS = 1000

/**
 * INVARIANT: the copy is rejected by its own age. Otherwise the keys of an issuer that is down, or
 * of a hung primary, would verify forever; they end after `maxStaleSeconds`.
 */
export function createPushedKeys(deps: {
  readonly maxStaleSeconds: number
  /** the clock of `KeySet.fetchedAtMonotonicMs` */
  readonly clock: Pick<Clock, 'monotonicMs'>
  /**
   * requests a fetch from the primary; settles in bounded time, after the fetched set was received
   */
  readonly requestKeys: (issuerName: string) => Promise<RefreshOutcome>
}): PushedKeys {
  const sets = new Map<string, KeySet>()
  const running = new Map<string, Promise<RefreshOutcome>>()
  /** when an unknown key id was first requested */
  const firstAskedMs = new LRUCache<string, number>({ max: REMEMBERED_KEY_IDS })

  function startRequest(issuerName: string): Promise<RefreshOutcome> {
    const request = deps.requestKeys(issuerName).finally(() => running.delete(issuerName))
    running.set(issuerName, request)
    return request
  }

  function firstAsked(issuerName: string, keyId: string): number {
    const name = hash('sha256', `${issuerName}|${keyId}`, 'base64url')
    const atMs = firstAskedMs.get(name) ?? deps.clock.monotonicMs()
    firstAskedMs.set(name, atMs)
    return atMs
  }

  return {
    current(issuerName) {
      const set = sets.get(issuerName)
      if (set === undefined) return null
      const ageMs = deps.clock.monotonicMs() - set.fetchedAtMonotonicMs
      // A set from the future comes from another clock. Its age is unknown, so it is not fresh.
      return ageMs >= 0 && ageMs <= deps.maxStaleSeconds * 1000 ? set : null
    },
    async refresh(issuerName, keyId) {
      const askedMs = firstAsked(issuerName, keyId)
      const outcome = await (running.get(issuerName) ?? startRequest(issuerName))
      if (outcome === 'failed') return 'failed'
      // The request may have joined a running fetch, which can have begun before this key id was
      // requested.
      const fetchedMs = sets.get(issuerName)?.fetchedAtMonotonicMs ?? Number.NEGATIVE_INFINITY
      return fetchedMs >= askedMs ? 'refreshed' : 'cooling-down'
    },
    receive(set) {
      const known = sets.get(set.issuerName)
      if (known === undefined || known.fetchedAtMonotonicMs <= set.fetchedAtMonotonicMs) {
        sets.set(set.issuerName, set)
      }
    },
  }
}
