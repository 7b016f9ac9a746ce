import type { Result } from '../../src/domain/result.ts'
import type { StoredValue } from '../../src/domain/stored-value.ts'
import type { Freshness } from '../../src/near-cache/feed.ts'
import {
  createNearCache,
  type NearCache,
  type NearCacheDeps,
  type NearCacheObserver,
} from '../../src/near-cache/near-cache.ts'
import { createMemoryKeyValues } from '../support/memory-key-values.ts'

export const STATE = '{"id":"state-1","since":0}'
export const MAX_STALENESS_MS = 2000

/** A cache on a Redis in memory that answers when the test says, behind a feed that the test is. */
export interface CacheFixture {
  readonly cache: NearCache
  /** the values as text, null for absent; a refusal as its reason */
  read(...keys: readonly string[]): Promise<readonly (string | null)[] | string>
  readonly memory: ReturnType<typeof createMemoryKeyValues>
  /** the feed's own freshness */
  readonly feed: { staleness: number; server: string | null }
  /** while true, reads take what is there and then wait */
  isHolding: boolean
  /** lets the reads go that wait */
  release(): void
  /** how many reads went to Redis */
  readonly asked: () => number
  readonly counts: { hits: number; misses: number; invalidated: number }
}

export function createCacheFixture(changes: Partial<NearCacheDeps> = {}): CacheFixture {
  const memory = createMemoryKeyValues(() => 0)
  memory.set('bg:state', STATE)
  const feed = { staleness: 0, server: 'server-1' as string | null }
  const freshness: Freshness = { stalenessMs: () => feed.staleness, serverId: () => feed.server }
  const counts = { hits: 0, misses: 0, invalidated: 0 }
  const observer: NearCacheObserver = {
    hit: () => void counts.hits++,
    miss: () => void counts.misses++,
    invalidated: (keys) => void (counts.invalidated += keys),
  }
  let waiting: (() => void)[] = []
  let asked = 0
  async function answer(keys: readonly string[]): Promise<Result<readonly StoredValue[]>> {
    asked++
    const values = await memory.read(keys)
    if (fixture.isHolding) await new Promise<void>((resolve) => void waiting.push(resolve))
    return values
  }
  const fixture: CacheFixture = {
    memory,
    feed,
    async read(...keys) {
      const reading = await fixture.cache.read(keys)
      if (!reading.ok) return reading.reason
      return reading.value.values.map((value) => (value.kind === 'text' ? value.text : null))
    },
    isHolding: false,
    release() {
      fixture.isHolding = false
      for (const resolve of waiting) resolve()
      waiting = []
    },
    asked: () => asked,
    counts,
    cache: createNearCache({
      keyValues: { read: answer },
      feed: freshness,
      observer,
      maxStalenessMs: MAX_STALENESS_MS,
      serveKnownForMs: null,
      bounds: { maxEntries: 1000, maxCharacters: 1_000_000 },
      ...changes,
    }),
  }
  return fixture
}
