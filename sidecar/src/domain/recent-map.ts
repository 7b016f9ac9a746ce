/** A bounded map from strings that drops the least recently used entry. */
export interface RecentMap<V> {
  /** counts as a use */
  get(key: string): V | undefined
  set(key: string, value: V): void
  /** @returns whether the key existed */
  delete(key: string): boolean
  clear(): void
  /** oldest first */
  keys(): readonly string[]
  readonly size: number
}

export interface RecentMapBounds<V> {
  /** 0 keeps nothing */
  readonly maxEntries: number
  /** limit for the sum of `weightOf`; no limit when left out */
  readonly maxWeight?: number
  readonly weightOf?: (key: string, value: V) => number
}

export function createRecentMap<V>(bounds: RecentMapBounds<V>): RecentMap<V> {
  const { maxEntries, maxWeight = Number.POSITIVE_INFINITY, weightOf = () => 0 } = bounds
  /** in order of use, oldest first */
  const entries = new Map<string, V>()
  let weight = 0

  function remove(key: string): boolean {
    const value = entries.get(key)
    if (value === undefined) return false
    weight -= weightOf(key, value)
    return entries.delete(key)
  }

  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      remove(key)
      entries.set(key, value)
      weight += weightOf(key, value)
      while (entries.size > maxEntries || weight > maxWeight) {
        const [oldest] = entries.keys()
        if (oldest === undefined) break
        remove(oldest)
      }
    },
    delete: remove,
    clear() {
      entries.clear()
      weight = 0
    },
    keys: () => [...entries.keys()],
    get size() {
      return entries.size
    },
  }
}
