import { LRUCache } from 'lru-cache'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { decodeState } from '../revocation/state-loss.ts'

/** Which memory of which server a value was read from. */
export interface Provenance {
  /** the running Redis; null while it is not known which one answers */
  readonly serverId: string | null
  /** what stands under `bg:state` */
  readonly state: StoredValue
}

/**
 * The revocations that this process has seen in force. A Redis that was emptied, restored or replaced by
 * a replica may lack them without anyone having lifted them.
 */
export interface KnownRevocations {
  /**
   * @returns the value that counts: what was read, or the revocation that vanished along with more
   */
  reconcile(key: string, value: StoredValue, provenance: Provenance): StoredValue
  /** From now on nobody can say that one was lifted that was not read again since. */
  doubt(): void
  keys(): readonly string[]
}

interface Known {
  readonly value: StoredValue
  readonly serverId: string | null
  readonly stateId: string | null
  /** how often there was doubt */
  readonly doubts: number
}

/** @param maxEntries beyond, what was needed longest ago is forgotten */
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
      // INVARIANT: only the same memory of the same server can say that a revocation was lifted, or an
      // operator who takes it that a loss lost none.
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
