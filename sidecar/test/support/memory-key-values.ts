import { ok, type Result, refuse } from '../../src/domain/result.ts'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { type IndexMember, type KeyValues, MAX_INDEX_MEMBERS } from '../../src/store/key-values.ts'

/** The stores' commands on a map, and an operator's commands. */
export interface MemoryKeyValues extends KeyValues {
  /** like `SET`; null is a value that is neither a string nor an index */
  set(key: string, text: string | null): void
  /** like `FLUSHALL` */
  clear(): void
  /** while true, every command returns `state-unavailable` */
  isDown: boolean
}

interface Entry {
  readonly value: StoredValue
  /** members of an index */
  readonly index?: Index
  readonly expiresAtSeconds: number
}

type Index = ReadonlyMap<string, { readonly endsAtSeconds: number; readonly isReserved: boolean }>

const NEVER = Number.POSITIVE_INFINITY
const UNAVAILABLE = refuse('state-unavailable')

/** @param nowSeconds clock for the expiry of keys */
export function createMemoryKeyValues(nowSeconds: () => number): MemoryKeyValues {
  const entries = new Map<string, Entry>()
  const memory: MemoryKeyValues = {
    isDown: false,
    read: async (keys) => answer(() => keys.map(get)),
    create: async (key, text, expiresAtSeconds) =>
      answer(() => {
        if (find(key) !== null) return false
        put(key, storedText(text), expiresAtSeconds)
        return true
      }),
    write: async (key, text, expiresAtSeconds) =>
      answer(() => put(key, storedText(text), expiresAtSeconds)),
    replace: async (key, expected, text) =>
      answer(() => {
        const entry = find(key)
        if (entry?.value.kind !== 'text' || entry.value.text !== expected) return false
        put(key, storedText(text), entry.expiresAtSeconds)
        return true
      }),
    delete: async (key) => answer(() => find(key) !== null && entries.delete(key)),
    deleteIf: async (key, expected) =>
      answer(() => {
        const value = get(key)
        return value.kind === 'text' && value.text === expected && entries.delete(key)
      }),
    extend: async (key, expiresAtSeconds) =>
      answer(() => {
        const entry = find(key)
        if (entry === null) return false
        const later = Math.max(entry.expiresAtSeconds, expiresAtSeconds)
        entries.set(key, { ...entry, expiresAtSeconds: later })
        return true
      }),
    ...indexCommands(),
    settle: async () => answer(() => true),
    set: (key, text) => put(key, text === null ? WRONG_TYPE : storedText(text), null),
    clear: () => entries.clear(),
  }
  return memory

  function indexCommands(): Pick<KeyValues, 'indexAdd' | 'indexMembers' | 'indexRemove'> {
    return {
      indexAdd: async (key, member, endsAtSeconds, isReserved) =>
        answer(() => {
          const added = new Map(find(key)?.index).set(member, { endsAtSeconds, isReserved })
          putIndex(key, added)
          const members = [...(find(key)?.index?.values() ?? [])]
          return members.filter((one) => !one.isReserved).length
        }),
      indexMembers: async (key) => {
        const entry = find(key)
        if (entry !== null && entry.index === undefined) return UNAVAILABLE
        return answer(() => membersOf(entry?.index))
      },
      indexRemove: async (key, member) => {
        const entry = find(key)
        if (entry !== null && entry.index === undefined) return UNAVAILABLE
        const left = new Map(entry?.index)
        left.delete(member)
        return answer(() => putIndex(key, left))
      },
    }
  }

  function answer<T>(command: () => T): Result<T> {
    return memory.isDown ? UNAVAILABLE : ok(command())
  }

  function find(key: string): Entry | null {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresAtSeconds > nowSeconds() ? entry : null
  }

  function get(key: string): StoredValue {
    return find(key)?.value ?? ABSENT
  }

  function put(key: string, value: StoredValue, expiresAtSeconds: number | null): void {
    entries.set(key, { value, expiresAtSeconds: expiresAtSeconds ?? NEVER })
  }

  function putIndex(key: string, members: Index): void {
    const live = [...members].filter(([, { endsAtSeconds }]) => endsAtSeconds >= nowSeconds())
    const index = new Map(live)
    const expiresAtSeconds = Math.max(0, ...live.map(([, { endsAtSeconds }]) => endsAtSeconds))
    if (index.size === 0) entries.delete(key)
    else entries.set(key, { value: WRONG_TYPE, index, expiresAtSeconds })
  }
}

function membersOf(index: Index = new Map()): readonly IndexMember[] {
  return [...index]
    .toSorted(([, a], [, b]) => a.endsAtSeconds - b.endsAtSeconds)
    .slice(-MAX_INDEX_MEMBERS)
    .map(([member, { isReserved }]) => ({ member, isReserved }))
}
