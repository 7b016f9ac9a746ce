import { LRUCache } from 'lru-cache'
import { REDIS_KEYS, STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { decodeState } from '../revocation/state-loss.ts'
import type { KeyValues } from '../store/key-values.ts'
import { readWithState, type StateReader, type StateReading } from '../store/state-reader.ts'
import type { FeedListener, Freshness } from './feed.ts'
import { createKnownRevocations } from './known-revocations.ts'
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
  const { feed, maxStalenessMs, observer } = deps
  const { maxEntries, maxCharacters } = deps.bounds
  const held = new LRUCache<string, StoredValue>({
    max: maxEntries,
    maxSize: maxCharacters,
    sizeCalculation: (value, key) => key.length + (value.kind === 'text' ? value.text.length : 0),
  })
  const revocations = createKnownRevocations(maxEntries)
  /** which of the reads under way may be joined */
  const flights = new Map<string, Flight>()
  const reads = createReadsUnderWay()
  let stateId: string | null = null

  return {
    read,
    invalidated(keys) {
      observer.invalidated(keys.length)
      reads.changed(keys)
      for (const key of keys) held.delete(key)
      for (const key of keys) if (key.startsWith(REDIS_KEYS.revoked)) void learn(key)
    },
    reset(why) {
      observer.invalidated(1)
      reads.reset()
      held.clear()
      if (why === 'emptied') revocations.doubt()
      void confirm()
    },
    get size() {
      return held.size
    },
  }

  async function read(keys: readonly string[]): Promise<Result<StateReading>> {
    const isFresh = feed.stalenessMs() <= maxStalenessMs
    const known = isFresh ? heldReading(keys) : null
    if (known !== null) {
      observer.hit()
      return ok({ ...known, isFromOutage: false })
    }
    observer.miss()
    const reading = await (isFresh ? join(keys) : ask(keys))
    if (reading.ok) return ok({ ...reading.value, isFromOutage: false })
    return duringOutage(keys) ?? reading
  }

  function heldReading(keys: readonly string[]): Snapshot | null {
    const state = held.get(STATE_KEY)
    if (state === undefined) return null
    const values: StoredValue[] = []
    for (const key of keys) {
      const value = held.get(key)
      if (value === undefined) return null
      values.push(value)
    }
    return { values, state }
  }

  /** A revocation is known to every worker from when it is made, not from its first use: it may be lost by then. */
  async function learn(key: string): Promise<void> {
    await (feed.stalenessMs() <= maxStalenessMs ? join([key]) : ask([key]))
  }

  /** Sees which of the known revocations stand, so that who takes them back from now on is believed. */
  async function confirm(): Promise<void> {
    const keys = revocations.keys()
    for (let at = 0; at < keys.length; at += BATCH) {
      const reading = await fetch(keys.slice(at, at + BATCH))
      if (!reading.ok) return // they stay; the next reset tries again
    }
  }

  /** What was known when Redis was last heard; never for whom nothing was. */
  function duringOutage(keys: readonly string[]): Result<StateReading> | null {
    const { serveKnownForMs } = deps
    if (serveKnownForMs === null || !(feed.stalenessMs() <= serveKnownForMs)) return null
    const known = heldReading(keys)
    return known === null ? null : ok({ ...known, isFromOutage: true })
  }

  function join(keys: readonly string[]): Promise<Result<Snapshot>> {
    const name = keys.join('\n') // no key has a line break
    const running = flights.get(name)
    if (
      running !== undefined &&
      ![...keys, STATE_KEY].some((key) => reads.isOvertaken(key, running.read))
    ) {
      return running.result
    }
    const result = fetch(keys).then((reading) => {
      if (reading.ok) hold(flight, reading.value)
      if (flights.get(name) === flight) flights.delete(name)
      reads.end(flight.read)
      return reading
    })
    const flight: Flight = { read: reads.begin(), keys, result }
    flights.set(name, flight)
    return result
  }

  /**
   * Reads while changes may go unheard, and drops what turns out to be another.
   *
   * INVARIANT: an outage serves nobody of whom Redis said otherwise since.
   */
  async function ask(keys: readonly string[]): Promise<Result<Snapshot>> {
    const reading = await fetch(keys)
    if (!reading.ok) return reading
    dropUnless(STATE_KEY, reading.value.state)
    for (const [index, key] of keys.entries()) dropUnless(key, reading.value.values[index])
    return reading
  }

  function dropUnless(key: string, value: StoredValue | undefined): void {
    const before = held.get(key)
    if (before !== undefined && !isSame(before, value)) held.delete(key)
  }

  async function fetch(keys: readonly string[]): Promise<Result<Snapshot>> {
    const serverId = feed.serverId()
    const reading = await readWithState(deps.keyValues, keys)
    if (!reading.ok) return reading
    const { values, state } = reading.value
    // a server that was replaced meanwhile vouches for nothing
    const provenance = { serverId: serverId === feed.serverId() ? serverId : null, state }
    return ok({
      state,
      values: values.map((value, index) => {
        const key = keys[index] ?? ''
        return key.startsWith(REDIS_KEYS.revoked)
          ? revocations.reconcile(key, value, provenance)
          : value
      }),
    })
  }

  function hold(flight: Flight, { values, state }: Snapshot): void {
    const record = state.kind === 'text' ? decodeState(state.text) : null
    if (record?.id !== stateId) held.clear() // what was read before may be lost
    stateId = record?.id ?? null
    if (state.kind !== 'absent') holdUnlessOvertaken(STATE_KEY, state, flight)
    for (const [index, key] of flight.keys.entries()) {
      const value = values[index]
      // random session ids must not push out real ones
      const isUnknownSession = value?.kind === 'absent' && key.startsWith(REDIS_KEYS.session)
      if (value !== undefined && !isUnknownSession) holdUnlessOvertaken(key, value, flight)
    }
  }

  function holdUnlessOvertaken(key: string, value: StoredValue, flight: Flight): void {
    if (!reads.isOvertaken(key, flight.read)) held.set(key, value)
  }
}

function isSame(one: StoredValue, other: StoredValue | undefined): boolean {
  if (one.kind !== other?.kind) return false
  return one.kind !== 'text' || other.kind !== 'text' || one.text === other.text
}
