import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../domain/clock.ts'
import type { KeySet, KeySource, RefreshOutcome } from '../../verify/key-source.ts'

/** A process's own copy of the keys that the primary process fetches. */
export interface PushedKeys extends KeySource {
  /** takes a set that the primary pushed; one older than the copy is ignored */
  receive(set: KeySet): void
}

/** Made-up key ids beyond these push out others, which then count as new: 503 instead of 401. */
const REMEMBERED_KEY_IDS = 1000

/**
 * INVARIANT: the copy is refused by its own age. A primary process that hangs or died, or an issuer that
 * is down, ends what its last keys may verify after `maxStaleSeconds`.
 */
export function createPushedKeys(deps: {
  readonly maxStaleSeconds: number
  /** the clock of `KeySet.fetchedAtMonotonicMs` */
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** asks the primary for a fetch; settles in bounded time, and after the set it brought was received */
  readonly ask: (alias: string) => Promise<RefreshOutcome>
}): PushedKeys {
  const sets = new Map<string, KeySet>()
  const asking = new Map<string, Promise<RefreshOutcome>>()
  /** when a key id that no key has was first asked for */
  const firstAskedMs = new LRUCache<string, number>({ max: REMEMBERED_KEY_IDS })

  function askOnce(alias: string): Promise<RefreshOutcome> {
    const asked = deps.ask(alias).finally(() => asking.delete(alias))
    asking.set(alias, asked)
    return asked
  }

  function firstAsked(alias: string, keyId: string): number {
    const name = hash('sha256', `${alias}|${keyId}`, 'base64url')
    const atMs = firstAskedMs.get(name) ?? deps.clock.monotonicMs()
    firstAskedMs.set(name, atMs)
    return atMs
  }

  return {
    current(alias) {
      const set = sets.get(alias)
      if (set === undefined) return null
      const ageMs = deps.clock.monotonicMs() - set.fetchedAtMonotonicMs
      // A set from the future comes from another clock: its age is not known, so it is not fresh.
      return ageMs >= 0 && ageMs <= deps.maxStaleSeconds * 1000 ? set : null
    },
    async refresh(alias, keyId) {
      const askedMs = firstAsked(alias, keyId)
      const outcome = await (asking.get(alias) ?? askOnce(alias))
      if (outcome === 'failed') return 'failed'
      // The question may have been joined: its fetch can have begun before this key id was asked for.
      const fetchedMs = sets.get(alias)?.fetchedAtMonotonicMs ?? Number.NEGATIVE_INFINITY
      return fetchedMs >= askedMs ? 'refreshed' : 'cooling-down'
    },
    receive(set) {
      const known = sets.get(set.alias)
      if (known === undefined || known.fetchedAtMonotonicMs <= set.fetchedAtMonotonicMs) {
        sets.set(set.alias, set)
      }
    },
  }
}
