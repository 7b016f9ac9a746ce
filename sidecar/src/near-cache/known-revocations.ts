import { LRUCache } from 'lru-cache'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { decodeState } from '../revocation/state-loss.ts'

/** The server and the state that a value was read with. */
export interface Provenance {
  /** run id of the Redis server; null while unknown */
  readonly serverId: string | null
  /** value of `bg:state` */
  readonly state: StoredValue
}

/**
 * The revocations that this process has read. After a flush, a restore or a failover Redis may lack
 * a revocation that nobody lifted.
 */
export interface KnownRevocations {
  /**
   * @returns `value`, or the remembered revocation when the key was lost and not lifted
   */
  reconcile(key: string, value: StoredValue, provenance: Provenance): StoredValue
  /** From now on an absent key counts as lifted only after another read has found it. */
  doubt(): void
  keys(): readonly string[]
}

interface Known {
  readonly value: StoredValue
  readonly serverId: string | null
  readonly stateId: string | null
  /** calls of `doubt` before the value was read */
  readonly doubts: number
}

/** @param maxEntries beyond it the least recently used revocation is forgotten */
export function createKnownRevocations(maxEntries: number): KnownRevocations {
  const known = new LRUCache<string, Known>({ max: maxEntries })
  let doubts = 0
  return {
    reconcile(key, value, { serverId, state }) {
      const record = state.kind === 'text' ? decodeState(state.text) : null
      if (value.kind !== 'absent') {
        known.set(key, { value, serverId, stateId: record?.id ?? null, doubts })
        return value
      }
      const before = known.get(key)
      if (before === undefined) return ABSENT
      // INVARIANT: an absent key lifts a revocation only on the same server with the same state, or
      // after an operator accepted the loss. Otherwise a flush or a failover would lift
      // revocations.
      const isSameState = record !== null && record.id === before.stateId
      const isSameServer = serverId !== null && serverId === before.serverId
      const isLifted = isSameState && isSameServer && before.doubts === doubts
      const isAccepted = record !== null && !isSameState && record.sinceSeconds === 0
      if (!isLifted && !isAccepted) return before.value
      known.delete(key)
      return ABSENT
    },
    doubt: () => void doubts++,
    keys: () => [...known.rkeys()],
  }
}
