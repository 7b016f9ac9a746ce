import type { Clock } from '../domain/clock.ts'
import type { KeySet, KeySource, RefreshOutcome } from '../verify/key-source.ts'

/** A process's own copy of the keys that the primary process fetches. */
export interface PushedKeys extends KeySource {
  /** takes a set that the primary pushed; one older than the copy is ignored */
  receive(set: KeySet): void
}

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

  function askOnce(alias: string): Promise<RefreshOutcome> {
    const asked = deps.ask(alias).finally(() => asking.delete(alias))
    asking.set(alias, asked)
    return asked
  }

  return {
    current(alias) {
      const set = sets.get(alias)
      if (set === undefined) return null
      const ageMs = deps.clock.monotonicMs() - set.fetchedAtMonotonicMs
      // A set from the future comes from another clock: its age is not known, so it is not fresh.
      return ageMs >= 0 && ageMs <= deps.maxStaleSeconds * 1000 ? set : null
    },
    refresh: (alias) => asking.get(alias) ?? askOnce(alias),
    receive(set) {
      const known = sets.get(set.alias)
      if (known === undefined || known.fetchedAtMonotonicMs <= set.fetchedAtMonotonicMs) {
        sets.set(set.alias, set)
      }
    },
  }
}
