import { TRACKED_PREFIXES } from '../../src/domain/redis-keys.ts'
import { ok, type Result, refuse } from '../../src/domain/result.ts'
import { ABSENT, type StoredValue, storedText } from '../../src/domain/stored-value.ts'
import { createHeartbeat, type Heartbeat } from '../../src/near-cache/heartbeat.ts'
import { createNearCache, type NearCache } from '../../src/near-cache/near-cache.ts'

export const KEYS = ['bg:revoked:a', 'bg:session:b'] as const
export type Key = (typeof KEYS)[number]

/** A read that some request began, step by step. */
export interface Read {
  readonly key: Key
  readonly startedMs: number
  /** how many steps had happened */
  readonly startedAt: number
  /** null until it is answered */
  outcome: { readonly value: StoredValue | null; readonly atMs: number } | null
}

/** A value that a key had. */
interface Version {
  readonly value: StoredValue
  endedMs: number
  /** the step in which the cache was told that the key changed */
  endHeardAt: number
}

const MAX_STALENESS_MS = 2000

export interface Simulation {
  /** to be called before every step */
  count(): void
  /** null deletes */
  write(key: Key, text: string | null): void
  /** a request asks for a key; what becomes of it goes into `into` */
  read(key: Key, into: Read[]): Promise<void>
  /** the next command arrives at Redis */
  execute(): Promise<void>
  /** the next reply comes back */
  reply(): Promise<void>
  /** the next invalidation comes */
  deliver(): Promise<void>
  /**
   * everything that is under way comes one step further.
   *
   * @returns whether there was anything
   */
  goOn(): Promise<boolean>
  beat(): Promise<void>
  /** the tracking connection breaks: what was not delivered never is */
  disconnect(): void
  connect(): void
  /** the connection for commands breaks: what arrived may have happened, no reply comes */
  breakCommands(arrive: boolean): Promise<void>
  /** commands that failed for their callers and arrive all the same, later */
  timeOut(): Promise<void>
  pass(ms: number): void
  stalenessMs(): number
  /**
   * Whether the value of a read was true at some moment within the bound before it was asked for,
   * and the cache did not know better by then.
   */
  isJustified(read: Read): boolean
}

/**
 * A near cache and its heartbeat on a Redis of the test's own, whose every step happens when the
 * test says: when a command arrives, when its reply comes back, when an invalidation is delivered.
 */
export function createSimulation(): Simulation {
  let nowMs = 0
  let ids = 0
  const values = new Map<string, string>()
  /** every value a key ever had, and from when on */
  const history = new Map<string, Version[]>(KEYS.map((key) => [key, [version(ABSENT)]]))
  let isTracking = false
  /** keys with the version that ended */
  let undelivered: { readonly key: string; readonly ended: Version | null }[] = []
  let steps = 0
  /**
   * commands on their way to Redis, and replies on their way back; in order, as on one connection
   */
  let requests: (() => () => void)[] = []
  let replies: (() => void)[] = []

  values.set('bg:state', '{"id":"state","since":0}')
  const clock = { monotonicMs: () => nowMs }
  const heartbeat: Heartbeat = createHeartbeat({
    prefixes: TRACKED_PREFIXES,
    write: (keys) =>
      command(() => {
        for (const key of keys) announce(key, null)
        return true
      }, false),
    clock,
    newId: () => String(++ids),
    onLag: () => undefined,
  })
  const cache: NearCache = createNearCache({
    keyValues: {
      read: (keys) =>
        command<Result<readonly StoredValue[]>>(
          () => ok(keys.map(current)),
          refuse('state-unavailable'),
        ),
    },
    feed: { stalenessMs: heartbeat.stalenessMs, serverId: () => 'server' },
    observer: { hit: () => undefined, miss: () => undefined, invalidated: () => undefined },
    maxStalenessMs: MAX_STALENESS_MS,
    serveKnownForMs: null,
    bounds: { maxEntries: 100, maxCharacters: 10_000 },
  })

  /** @param lost the caller's result when the connection breaks before the reply */
  function command<T>(execute: () => T, lost: T): Promise<T> {
    return new Promise((resolve) => {
      requests.push(() => {
        const reply = execute()
        return () => resolve(reply)
      })
      breaks.push(() => resolve(lost))
    })
  }
  let breaks: (() => void)[] = []

  function current(key: string): StoredValue {
    const text = values.get(key)
    return text === undefined ? ABSENT : storedText(text)
  }

  async function answer(read: Read): Promise<void> {
    const reading = await cache.read([read.key])
    const value = reading.ok ? (reading.value.values[0] ?? null) : null
    read.outcome = { value, atMs: nowMs }
  }

  function announce(key: string, ended: Version | null): void {
    if (isTracking) undelivered.push({ key, ended })
  }

  return {
    write(key: Key, text: string | null): void {
      if (text === null) values.delete(key)
      else values.set(key, text)
      const versions = history.get(key) ?? []
      const ended = versions.at(-1) ?? version(ABSENT)
      ended.endedMs = nowMs
      versions.push(version(current(key)))
      announce(key, ended)
    },
    async read(key: Key, into: Read[]): Promise<void> {
      const read: Read = { key, startedMs: nowMs, startedAt: steps, outcome: null }
      into.push(read)
      void answer(read)
      await settle()
    },
    async execute(): Promise<void> {
      const reply = requests.shift()?.()
      if (reply !== undefined) replies.push(reply)
      await settle()
    },
    async reply(): Promise<void> {
      replies.shift()?.()
      await settle()
    },
    async deliver(): Promise<void> {
      const next = undelivered.shift()
      if (next !== undefined && !heartbeat.heard(next.key)) cache.invalidated([next.key])
      if (next?.ended) next.ended.endHeardAt = steps
      await settle()
    },
    async goOn(): Promise<boolean> {
      const isBusy = requests.length + replies.length + undelivered.length > 0
      await this.execute()
      await this.reply()
      await this.deliver()
      return isBusy
    },
    async beat(): Promise<void> {
      heartbeat.beat()
      await settle()
    },
    disconnect(): void {
      isTracking = false
      undelivered = []
      heartbeat.stop()
    },
    connect(): void {
      this.disconnect()
      isTracking = true
      cache.reset('unheard')
      heartbeat.start()
    },
    async breakCommands(arrive: boolean): Promise<void> {
      if (arrive) for (const request of requests) request()
      for (const resolve of breaks) resolve()
      requests = []
      replies = []
      breaks = []
      await settle()
    },
    async timeOut(): Promise<void> {
      for (const resolve of breaks) resolve()
      breaks = []
      await settle()
    },
    pass(ms: number): void {
      nowMs += ms
    },
    stalenessMs: heartbeat.stalenessMs,
    isJustified({ key, startedMs, startedAt, outcome }: Read): boolean {
      const value = outcome?.value ?? null
      if (value === null) return true
      return (history.get(key) ?? []).some(
        (one) =>
          isSame(one.value, value) &&
          one.endedMs >= startedMs - MAX_STALENESS_MS &&
          one.endHeardAt > startedAt,
      )
    },
    count(): void {
      steps++
    },
  }
}

function version(value: StoredValue): Version {
  return { value, endedMs: Number.POSITIVE_INFINITY, endHeardAt: Number.POSITIVE_INFINITY }
}

function isSame(one: StoredValue, other: StoredValue): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
