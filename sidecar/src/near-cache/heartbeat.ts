import type { Clock } from '../domain/clock.ts'
import { HEARTBEAT_END, heartbeatBeginning } from '../domain/redis-keys.ts'

/**
 * Proves that invalidations arrive: writes a key under each tracked prefix, and waits for word of all of
 * them. Bookkeeping only: whoever owns the connection calls it.
 */
export interface Heartbeat {
  /** a new connection listens from now on */
  start(): void
  /** the connection is gone */
  stop(): void
  /** writes the next one, unless one is still awaited or nothing listens */
  beat(): void
  /** @returns whether an invalidated key is a heartbeat, be it another process's */
  heard(key: string): boolean
  /** whether one has been awaited for longer than this */
  isOverdue(afterMs: number): boolean
  /** since the writing of the last one that came back; Infinity when none did */
  stalenessMs(): number
  /** the same, but counted from the making of this heartbeat while none came back */
  ageMs(): number
}

export interface HeartbeatDeps {
  readonly prefixes: readonly string[]
  /** @returns whether every key was written */
  readonly write: (keys: readonly string[]) => Promise<boolean>
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** a name that nobody had, and nobody can guess */
  readonly newId: () => string
  /** told how long one took from its writing to its last invalidation */
  readonly onLag: (ms: number) => void
}

interface Beat {
  readonly sentMs: number
  /** keys of which no invalidation came yet */
  readonly awaited: Set<string>
}

export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { clock } = deps
  const beginnings = deps.prefixes.map(heartbeatBeginning)
  const madeMs = clock.monotonicMs()
  let freshAsOfMs = Number.NEGATIVE_INFINITY
  let isListening = false
  let pending: Beat | null = null

  return {
    start() {
      isListening = true
      pending = null
    },
    stop() {
      isListening = false
      pending = null
    },
    beat() {
      if (isListening && pending === null) void send()
    },
    heard(key) {
      if (!isHeartbeat(key)) return false
      if (pending?.awaited.delete(key) === true && pending.awaited.size === 0) arrived(pending)
      return true
    },
    isOverdue: (afterMs) => pending !== null && clock.monotonicMs() - pending.sentMs > afterMs,
    stalenessMs: () => clock.monotonicMs() - freshAsOfMs,
    ageMs: () => clock.monotonicMs() - Math.max(freshAsOfMs, madeMs),
  }

  /**
   * INVARIANT: each has a name of its own. A write that failed may still happen later, and somebody else may
   * write the same key again: neither may prove a later one.
   */
  async function send(): Promise<void> {
    const name = deps.newId()
    const keys = beginnings.map((beginning) => `${beginning}${name}${HEARTBEAT_END}`)
    const beat = { sentMs: clock.monotonicMs(), awaited: new Set(keys) }
    pending = beat
    const isWritten = await deps.write(keys)
    if (pending !== beat) return
    if (isWritten) {
      if (keys.length === 0) arrived(beat)
      return
    }
    pending = null
  }

  function isHeartbeat(key: string): boolean {
    return key.endsWith(HEARTBEAT_END) && beginnings.some((beginning) => key.startsWith(beginning))
  }

  function arrived(beat: Beat): void {
    freshAsOfMs = beat.sentMs
    pending = null
    deps.onLag(clock.monotonicMs() - beat.sentMs)
  }
}
