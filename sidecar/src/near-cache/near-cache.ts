import { LRUCache } from 'lru-cache'
import { REDIS_KEYS, STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { decodeState } from '../revocation/state-loss.ts'
import type { KeyValues } from '../store/key-values.ts'
import { readWithState, type StateReader, type StateReading } from '../store/state-reader.ts'
import type { FeedListener, Freshness } from './feed.ts'
import { createKnownRevocations, type KnownRevocations } from './known-revocations.ts'
import { createReadsUnderWay, type ReadUnderWay } from './pending-reads.ts'

/** Told of what the cache does; must not throw. */
export interface NearCacheObserver {
  /** every value of a read was at hand */
  hit(): void
  miss(): void
  /** @param keys how many were named; a whole reset counts as one */
  invalidated(keys: number): void
}

export interface NearCacheDeps {
  readonly keyValues: Pick<KeyValues, 'read'>
  readonly feed: Freshness
  readonly observer: NearCacheObserver
  /** values may be used while every invalidation up to so long ago was heard */
  readonly maxStalenessMs: number
  /** how long after the last proof of freshness known values serve when Redis fails; null for not at all */
  readonly serveKnownForMs: number | null
  /** the bounds of what is held, keys and characters of keys and values */
  readonly bounds: { readonly maxEntries: number; readonly maxCharacters: number }
}

/** Values of Redis near at hand, dropped as soon as the feed says that they changed. */
export interface NearCache extends StateReader, FeedListener {
  /** keys held */
  readonly size: number
}

type Snapshot = Omit<StateReading, 'isFromOutage'>

interface Flight {
  readonly read: ReadUnderWay
  readonly keys: readonly string[]
  readonly result: Promise<Result<Snapshot>>
}

const BATCH = 50

/**
 * INVARIANT: a value is held only if no invalidation of its key, and no reset, came while it was read;
 * a read that was overtaken so is not joined by those who come later. While the feed is not fresh nothing
 * is joined or held, and every read asks Redis.
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
  readonly #flights = new Map<string, Flight>()
  readonly #reads = createReadsUnderWay()
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
    for (const key of keys) if (key.startsWith(REDIS_KEYS.revoked)) void this.#learn(key)
  }

  reset(why: 'unheard' | 'emptied'): void {
    this.#deps.observer.invalidated(1)
    this.#reads.reset()
    this.#held.clear()
    if (why === 'emptied') this.#revocations.doubt()
    void this.#confirm()
  }

  async read(keys: readonly string[]): Promise<Result<StateReading>> {
    const isFresh = this.#deps.feed.stalenessMs() <= this.#deps.maxStalenessMs
    const known = isFresh ? this.#heldReading(keys) : null
    if (known !== null) {
      this.#deps.observer.hit()
      return ok({ ...known, isFromOutage: false })
    }
    this.#deps.observer.miss()
    const reading = await (isFresh ? this.#join(keys) : this.#ask(keys))
    if (reading.ok) return ok({ ...reading.value, isFromOutage: false })
    return this.#duringOutage(keys) ?? reading
  }

  #heldReading(keys: readonly string[]): Snapshot | null {
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

  /** A revocation is known to every worker from when it is made, not from its first use: it may be lost by then. */
  async #learn(key: string): Promise<void> {
    await (this.#deps.feed.stalenessMs() <= this.#deps.maxStalenessMs
      ? this.#join([key])
      : this.#ask([key]))
  }

  /** Sees which of the known revocations stand, so that who takes them back from now on is believed. */
  async #confirm(): Promise<void> {
    const keys = this.#revocations.keys()
    for (let at = 0; at < keys.length; at += BATCH) {
      const reading = await this.#fetch(keys.slice(at, at + BATCH))
      if (!reading.ok) return // they stay; the next reset tries again
    }
  }

  /** What was known when Redis was last heard; never for whom nothing was. */
  #duringOutage(keys: readonly string[]): Result<StateReading> | null {
    const { serveKnownForMs } = this.#deps
    if (serveKnownForMs === null || !(this.#deps.feed.stalenessMs() <= serveKnownForMs)) return null
    const known = this.#heldReading(keys)
    return known === null ? null : ok({ ...known, isFromOutage: true })
  }

  #join(keys: readonly string[]): Promise<Result<Snapshot>> {
    const name = keys.join('\n') // no key has a line break
    const running = this.#flights.get(name)
    if (
      running !== undefined &&
      ![...keys, STATE_KEY].some((key) => this.#reads.isOvertaken(key, running.read))
    ) {
      return running.result
    }
    const result = this.#fetch(keys).then((reading) => {
      if (reading.ok) this.#hold(flight, reading.value)
      if (this.#flights.get(name) === flight) this.#flights.delete(name)
      this.#reads.end(flight.read)
      return reading
    })
    const flight: Flight = { read: this.#reads.begin(), keys, result }
    this.#flights.set(name, flight)
    return result
  }

  /**
   * Reads while changes may go unheard, and drops what turns out to be another.
   *
   * INVARIANT: an outage serves nobody of whom Redis said otherwise since.
   */
  async #ask(keys: readonly string[]): Promise<Result<Snapshot>> {
    const reading = await this.#fetch(keys)
    if (!reading.ok) return reading
    this.#dropUnless(STATE_KEY, reading.value.state)
    for (const [index, key] of keys.entries()) this.#dropUnless(key, reading.value.values[index])
    return reading
  }

  #dropUnless(key: string, value: StoredValue | undefined): void {
    const before = this.#held.get(key)
    if (before !== undefined && !isSame(before, value)) this.#held.delete(key)
  }

  async #fetch(keys: readonly string[]): Promise<Result<Snapshot>> {
    const serverId = this.#deps.feed.serverId()
    const reading = await readWithState(this.#deps.keyValues, keys)
    if (!reading.ok) return reading
    const { values, state } = reading.value
    // a server that was replaced meanwhile vouches for nothing
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

  #hold(flight: Flight, { values, state }: Snapshot): void {
    const record = state.kind === 'text' ? decodeState(state.text) : null
    if (record?.id !== this.#stateId) this.#held.clear() // what was read before may be lost
    this.#stateId = record?.id ?? null
    if (state.kind !== 'absent') this.#holdUnlessOvertaken(STATE_KEY, state, flight)
    for (const [index, key] of flight.keys.entries()) {
      const value = values[index]
      // random session ids must not push out real ones
      const isUnknownSession = value?.kind === 'absent' && key.startsWith(REDIS_KEYS.session)
      if (value !== undefined && !isUnknownSession) this.#holdUnlessOvertaken(key, value, flight)
    }
  }

  #holdUnlessOvertaken(key: string, value: StoredValue, flight: Flight): void {
    if (!this.#reads.isOvertaken(key, flight.read)) this.#held.set(key, value)
  }
}

function isSame(one: StoredValue, other: StoredValue | undefined): boolean {
  if (one.kind !== other?.kind) return false
  return one.kind !== 'text' || other.kind !== 'text' || one.text === other.text
}
