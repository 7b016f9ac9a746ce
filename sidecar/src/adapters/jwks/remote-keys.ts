import type { Clock } from '../../domain/clock.ts'
import { pauseMs } from '../../domain/pause.ts'
import type { KeySet, RefreshOutcome } from '../../verify/key-source.ts'
import { createKeyDownload, type RemoteIssuer } from './download.ts'

export interface RemoteKeysParts {
  readonly issuers: readonly RemoteIssuer[]
  readonly timing: RemoteKeysTiming
  /** must read the clock that all processes of the machine share, see `KeySet` */
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** called with every fetched set, also with unchanged keys: it renews their age */
  readonly onKeys: (set: KeySet) => void
  readonly observer: RemoteKeysObserver
}

export interface RemoteKeysTiming {
  /** a key that the issuer withdrew is gone here after at most this */
  readonly refreshSeconds: number
  /** within this, unknown key ids cause at most two fetches, however many requests */
  readonly cooldownSeconds: number
  /** of a whole fetch, discovery included */
  readonly timeoutMs: number
}

/** Called for every fetch; must not throw. */
export interface RemoteKeysObserver {
  fetch(issuerName: string, result: 'ok' | 'error', seconds: number): void
  /** for operators: a failed fetch with its cause, a dropped key */
  warning(issuerName: string, message: string): void
}

/** The keys of every issuer, fetched by a single process for its whole machine. */
export interface RemoteKeys {
  /** fetches at once, and again and again until `close` */
  start(): void
  /** the last fetched sets, whatever their age: for a process that has just started */
  sets(): readonly KeySet[]
  /** since the fetch that brought the keys of `issuerName` began, null while there are none */
  ageSeconds(issuerName: string): number | null
  /** never rejects; resolves after `onKeys` was told; `failed` for an unknown issuer name */
  refresh(issuerName: string): Promise<RefreshOutcome>
  close(): Promise<void>
}

/** @throws {RangeError} for an issuer whose address is not https, or http where that is allowed */
export function createRemoteKeys(parts: RemoteKeysParts): RemoteKeys {
  const byIssuerName = new Map(
    parts.issuers.map((issuer) => [issuer.issuerName, createFetcher(issuer, parts)]),
  )
  const fetchers = [...byIssuerName.values()]
  return {
    start() {
      for (const fetcher of fetchers) fetcher.start()
    },
    sets: () => fetchers.map((fetcher) => fetcher.set()).filter((set) => set !== null),
    ageSeconds(issuerName) {
      const set = byIssuerName.get(issuerName)?.set() ?? null
      return set && (parts.clock.monotonicMs() - set.fetchedAtMonotonicMs) / 1000
    },
    refresh: async (issuerName) => byIssuerName.get(issuerName)?.refresh() ?? 'failed',
    async close() {
      await Promise.all(fetchers.map((fetcher) => fetcher.close()))
    },
  }
}

interface Fetcher extends Pick<RemoteKeys, 'start' | 'close'> {
  set(): KeySet | null
  refresh(): Promise<RefreshOutcome>
}

function createFetcher(issuer: RemoteIssuer, parts: RemoteKeysParts): Fetcher {
  const { timing, clock } = parts
  const attempts = createAttempts(issuer, parts)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let running: Promise<RefreshOutcome> | null = null
  const budget = createBudget(timing.cooldownSeconds * 1000)

  async function tick(): Promise<void> {
    const startedMs = clock.monotonicMs()
    await attempts.next()
    const delayMs = startedMs + untilNextMs(attempts.failures(), timing) - clock.monotonicMs()
    if (!isClosed) timer = setTimeout(tick, delayMs)
  }

  // A running fetch may have been answered before the key in question was published.
  async function refreshOnce(): Promise<RefreshOutcome> {
    await attempts.running()
    await attempts.next()
    running = null
    return attempts.failures() === 0 ? 'refreshed' : 'failed'
  }

  return {
    start: () => void tick(),
    set: () => attempts.set(),
    async refresh() {
      if (running !== null) return running
      // INVARIANT: an unreachable issuer is never treated as an issuer without the key; its tokens
      // would get 401 instead of 503.
      if (!budget.take(clock.monotonicMs())) {
        return attempts.failures() === 0 ? 'cooling-down' : 'failed'
      }
      running = refreshOnce()
      return running
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await attempts.close()
    },
  }
}

/**
 * Two fetches in any cooldown. The second starts at once after a quiet time, so that a made-up key
 * id does not delay a rotation. While made-up key ids keep coming, a fetch starts every half
 * cooldown.
 */
function createBudget(cooldownMs: number): { take(nowMs: number): boolean } {
  let lastMs = Number.NEGATIVE_INFINITY
  let beforeMs = Number.NEGATIVE_INFINITY
  return {
    take(nowMs) {
      const isWithinBound = nowMs - beforeMs >= cooldownMs
      const wasQuiet = lastMs === Number.NEGATIVE_INFINITY || lastMs - beforeMs >= cooldownMs
      if (!isWithinBound || !(wasQuiet || nowMs - lastMs >= cooldownMs / 2)) return false
      beforeMs = lastMs
      lastMs = nowMs
      return true
    },
  }
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

/**
 * From the beginning of a fetch to the next; a tenth early, so that the fetch fits into the
 * interval.
 */
function untilNextMs(failures: number, { refreshSeconds }: RemoteKeysTiming): number {
  const refreshMs = refreshSeconds * 900
  if (failures === 0) return refreshMs
  return pauseMs(failures, FIRST_RETRY_MS, Math.min(LAST_RETRY_MS, refreshMs))
}

/** A single fetch at a time, and the result of the last fetch. */
interface Attempts {
  /** starts a fetch or joins the running fetch; never rejects */
  next(): Promise<void>
  running(): Promise<void> | null
  set(): KeySet | null
  /** failures since the last success */
  failures(): number
  close(): Promise<void>
}

function createAttempts(issuer: RemoteIssuer, parts: RemoteKeysParts): Attempts {
  const { issuerName } = issuer
  const { observer, clock, onKeys, timing } = parts
  const download = createKeyDownload(issuer, timing.timeoutMs)
  let set: KeySet | null = null
  let failures = 0
  let running: Promise<void> | null = null

  async function fetchKeys(): Promise<void> {
    const fetchedAtMonotonicMs = clock.monotonicMs()
    const { keys, warnings } = await download.run()
    for (const warning of warnings) observer.warning(issuerName, warning)
    set = { issuerName, keys, fetchedAtMonotonicMs }
    onKeys(set)
    // Reported all the same: an issuer that withdrew every key is trusted, and fetched again soon.
    if (keys.length === 0) throw new Error('the issuer publishes no usable key')
  }

  async function attempt(): Promise<void> {
    const startedMs = clock.monotonicMs()
    const report = (result: 'ok' | 'error'): void =>
      observer.fetch(issuerName, result, (clock.monotonicMs() - startedMs) / 1000)
    try {
      await fetchKeys()
      failures = 0
      report('ok')
    } catch (error) {
      failures += 1
      report('error')
      observer.warning(issuerName, `fetching the keys failed: ${describe(error)}`)
    }
    running = null
  }

  return {
    next() {
      running ??= attempt()
      return running
    },
    running: () => running,
    set: () => set,
    failures: () => failures,
    async close() {
      download.close()
      await running
    },
  }
}

/** A refused connection is an AggregateError without a message. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}
