import { ok, type Result, refuse } from '../domain/result.ts'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../domain/stored-value.ts'
import type { KeyValues } from './key-values.ts'

/** The stores' commands on a map, with what an operator can do to it. */
export interface MemoryKeyValues extends KeyValues {
  /** what `SET` does; null stands for a value that is not a string */
  set(key: string, text: string | null): void
  delete(key: string): void
  /** what `FLUSHALL` does */
  clear(): void
  /** while true, every command is refused with `state-unavailable` */
  isDown: boolean
}

interface Entry {
  readonly value: StoredValue
  readonly expiresAtSeconds: number
}

/** @param nowSeconds when keys expire by */
export function createMemoryKeyValues(nowSeconds: () => number): MemoryKeyValues {
  const entries = new Map<string, Entry>()
  const memory: MemoryKeyValues = {
    isDown: false,
    read: async (keys) => answer(() => keys.map(get)),
    create: async (key, text, expiresAtSeconds) =>
      answer(() => {
        if (get(key).kind !== 'absent') return false
        put(key, storedText(text), expiresAtSeconds)
        return true
      }),
    write: async (key, text, expiresAtSeconds) =>
      answer(() => put(key, storedText(text), expiresAtSeconds)),
    replace: async (key, expected, text) =>
      answer(() => {
        const value = get(key)
        if (value.kind !== 'text' || value.text !== expected) return false
        put(key, storedText(text), null)
        return true
      }),
    set: (key, text) => put(key, text === null ? WRONG_TYPE : storedText(text), null),
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  }
  return memory

  function answer<T>(command: () => T): Result<T> {
    return memory.isDown ? refuse('state-unavailable') : ok(command())
  }

  function get(key: string): StoredValue {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresAtSeconds > nowSeconds() ? entry.value : ABSENT
  }

  function put(key: string, value: StoredValue, expiresAtSeconds: number | null): void {
    entries.set(key, { value, expiresAtSeconds: expiresAtSeconds ?? Number.POSITIVE_INFINITY })
  }
}
