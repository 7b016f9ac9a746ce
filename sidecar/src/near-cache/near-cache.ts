import { LRUCache } from 'lru-cache'
import { REDIS_KEYS, STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { decodeState } from '../revocation/state-loss.ts'
import type { KeyValues } from '../store/key-values.ts'
import { readWithState, type StateReader, type StateSnapshot } from '../store/state-reader.ts'
import type { FeedListener, Freshness } from './feed.ts'
import { createKnownRevocations, type KnownRevocations } from './known-revocations.ts'
import { createPendingReads, type PendingRead } from './pending-reads.ts'

/** Counts the work of the cache. No method throws. */
export interface NearCacheObserver {
  /** every value of a read was held */
  hit(): void
  miss(): void
  /** @param keys number of invalidated keys; a reset counts as one */
  invalidated(keys: number): void
}

export interface NearCacheDeps {
  readonly keyValues: Pick<KeyValues, 'read'>
  readonly feed: Freshness
  readonly observer: NearCacheObserver
  /** held values are used while the feed is at most this stale */
  readonly maxStalenessMs: number
  /** in an outage held values are used while the feed is at most this stale; null: never */
  readonly serveKnownForMs: number | null
  /** limits of the held keys, and of the characters in keys and values */
  readonly bounds: { readonly maxEntries: number; readonly maxCharacters: number }
}

/** Holds values of Redis in memory, and drops a value when the feed reports a change. */
export interface NearCache extends StateReader, FeedListener {
  /** number of held keys */
  readonly size: number
}

type Snapshot = Omit<StateSnapshot, 'isFromOutage'>

interface JoinableRead {
  readonly read: PendingRead
  readonly keys: readonly string[]
  readonly result: Promise<Result<Snapshot>>
}

const BATCH = 50

/**
 * Answers from held values while the feed is fresh; otherwise every read goes to Redis.
 *
 * INVARIANT: a value is held only if neither an invalidation of its key nor a reset came during its
 * read, and later callers do not join such an overtaken read. Otherwise a value from before a
 * revocation would be held after it.
 *
 * INVARIANT: while the feed is stale, no read is joined and no value is held. Otherwise a missed
 * invalidation would leave a revoked session valid for longer than the staleness bound.
 */
export function createNearCache(deps: NearCacheDeps): NearCache {
  return new FedNearCache(deps)
}

class FedNearCache implements NearCache {
  readonly #deps: NearCacheDeps
  /** values that may be used while the feed is fresh */
  readonly #held: LRUCache<string, StoredValue>
  readonly #revocations: KnownRevocations
  /** the pending reads that further callers may join, by their keys */
  readonly #joinable = new Map<string, JoinableRead>()
  readonly #reads = createPendingReads()
  /** of the `bg:state` under which the held values were read; null before the first */
  #stateId: string | null = null

  constructor(deps: NearCacheDeps) {
    const { maxEntries, maxCharacters } = deps.bounds
    this.#deps = deps
    this.#held = new LRUCache({
      max: maxEntries,
      maxSize: maxCharacters,
      sizeCalculation: (value, key) => key.length + (value.kind === 'text' ? value.text.length : 0),
    })
    this.#revocations = createKnownRevocations(maxEntries)
  }

  get size(): number {
    return this.#held.size
  }

  invalidated(keys: readonly string[]): void {
    this.#deps.observer.invalidated(keys.length)
    this.#reads.changed(keys)
    for (const key of keys) this.#held.delete(key)
    for (const key of keys) if (key.startsWith(REDIS_KEYS.revoked)) void this.#loadRevocation(key)
  }

  reset(why: 'unheard' | 'emptied'): void {
    this.#deps.observer.invalidated(1)
    this.#reads.reset()
    this.#held.clear()
    if (why === 'emptied') this.#revocations.doubt()
    void this.#rereadRevocations()
  }

  async read(keys: readonly string[]): Promise<Result<StateSnapshot>> {
    const isFresh = this.#deps.feed.stalenessMs() <= this.#deps.maxStalenessMs
    const known = isFresh ? this.#heldSnapshot(keys) : null
    if (known !== null) {
      this.#deps.observer.hit()
      return ok({ ...known, isFromOutage: false })
    }
    this.#deps.observer.miss()
    const reading = await (isFresh ? this.#readAndHold(keys) : this.#readAndDropChanged(keys))
    if (reading.ok) return ok({ ...reading.value, isFromOutage: false })
    return this.#duringOutage(keys) ?? reading
  }

  #heldSnapshot(keys: readonly string[]): Snapshot | null {
    const state = this.#held.get(STATE_KEY)
    if (state === undefined) return null
    const values: StoredValue[] = []
    for (const key of keys) {
      const value = this.#held.get(key)
      if (value === undefined) return null
      values.push(value)
    }
    return { values, state }
  }

  /**
   * Reads a new revocation at once. Before its first use Redis may have lost it, and `revocations`
   * would not know of it.
   */
  async #loadRevocation(key: string): Promise<void> {
    await (this.#deps.feed.stalenessMs() <= this.#deps.maxStalenessMs
      ? this.#readAndHold([key])
      : this.#readAndDropChanged([key]))
  }

  /** Re-reads all remembered revocations; from then on a deleted key counts as lifted again. */
  async #rereadRevocations(): Promise<void> {
    const keys = this.#revocations.keys()
    for (let at = 0; at < keys.length; at += BATCH) {
      const reading = await this.#readRedis(keys.slice(at, at + BATCH))
      if (!reading.ok) return // the rest stays remembered; the next reset reads it again
    }
  }

  /** Answers from values held before the outage; null for a caller with no held values. */
  #duringOutage(keys: readonly string[]): Result<StateSnapshot> | null {
    const { serveKnownForMs } = this.#deps
    if (serveKnownForMs === null || !(this.#deps.feed.stalenessMs() <= serveKnownForMs)) return null
    const known = this.#heldSnapshot(keys)
    return known === null ? null : ok({ ...known, isFromOutage: true })
  }

  #readAndHold(keys: readonly string[]): Promise<Result<Snapshot>> {
    const name = keys.join('\n') // no key has a line break
    const running = this.#joinable.get(name)
    if (
      running !== undefined &&
      ![...keys, STATE_KEY].some((key) => this.#reads.isOvertaken(key, running.read))
    ) {
      return running.result
    }
    const result = this.#readRedis(keys).then((reading) => {
      if (reading.ok) this.#hold(joined, reading.value)
      if (this.#joinable.get(name) === joined) this.#joinable.delete(name)
      this.#reads.end(joined.read)
      return reading
    })
    const joined: JoinableRead = { read: this.#reads.begin(), keys, result }
    this.#joinable.set(name, joined)
    return result
  }

  /**
   * Reads from Redis while the feed is stale, and drops held values that differ.
   *
   * INVARIANT: a held value that Redis has contradicted is dropped. Otherwise an outage would serve
   * a caller whose revocation was already read.
   */
  async #readAndDropChanged(keys: readonly string[]): Promise<Result<Snapshot>> {
    const reading = await this.#readRedis(keys)
    if (!reading.ok) return reading
    this.#dropUnless(STATE_KEY, reading.value.state)
    for (const [index, key] of keys.entries()) this.#dropUnless(key, reading.value.values[index])
    return reading
  }

  #dropUnless(key: string, value: StoredValue | undefined): void {
    const before = this.#held.get(key)
    if (before !== undefined && !isSame(before, value)) this.#held.delete(key)
  }

  async #readRedis(keys: readonly string[]): Promise<Result<Snapshot>> {
    const serverId = this.#deps.feed.serverId()
    const reading = await readWithState(this.#deps.keyValues, keys)
    if (!reading.ok) return reading
    const { values, state } = reading.value
    // the values may come from either server when the server was replaced during the read
    const provenance = {
      serverId: serverId === this.#deps.feed.serverId() ? serverId : null,
      state,
    }
    return ok({
      state,
      values: values.map((value, index) => {
        const key = keys[index] ?? ''
        return key.startsWith(REDIS_KEYS.revoked)
          ? this.#revocations.reconcile(key, value, provenance)
          : value
      }),
    })
  }

  #hold(joined: JoinableRead, { values, state }: Snapshot): void {
    const record = state.kind === 'text' ? decodeState(state.text) : null
    // Redis may have lost the values that were read before
    if (record?.id !== this.#stateId) this.#held.clear()
    this.#stateId = record?.id ?? null
    if (state.kind !== 'absent') this.#holdUnlessOvertaken(STATE_KEY, state, joined)
    for (const [index, key] of joined.keys.entries()) {
      const value = values[index]
      // random session ids must not evict real sessions
      const isUnknownSession = value?.kind === 'absent' && key.startsWith(REDIS_KEYS.session)
      if (value !== undefined && !isUnknownSession) this.#holdUnlessOvertaken(key, value, joined)
    }
  }

  #holdUnlessOvertaken(key: string, value: StoredValue, joined: JoinableRead): void {
    if (!this.#reads.isOvertaken(key, joined.read)) this.#held.set(key, value)
  }
}

function isSame(one: StoredValue, other: StoredValue | undefined): boolean {
  if (one.kind !== other?.kind) return false
  return one.kind !== 'text' || other.kind !== 'text' || one.text === other.text
}
