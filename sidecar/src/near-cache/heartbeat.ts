import type { Clock } from '../domain/clock.ts'
import { HEARTBEAT_END, heartbeatBeginning } from '../domain/redis-keys.ts'

/**
 * Proves that invalidations arrive: writes a key under each tracked prefix, then waits for the
 * invalidations of all these keys. Pure bookkeeping; the owner of the connection calls the methods.
 */
export interface Heartbeat {
  /** a new connection listens from now on */
  start(): void
  /** the connection is gone */
  stop(): void
  /** writes the next heartbeat, unless a heartbeat is pending or no connection listens */
  beat(): void
  /** @returns whether an invalidated key is a heartbeat, of this process or another */
  heard(key: string): boolean
  /** whether the pending heartbeat is older than `afterMs` */
  isOverdue(afterMs: number): boolean
  /** time since the write of the last heartbeat that came back; Infinity before the first */
  stalenessMs(): number
  /** as `stalenessMs`; before the first, time since `createHeartbeat` */
  ageMs(): number
}

export interface HeartbeatDeps {
  readonly prefixes: readonly string[]
  /** @returns whether every key was written */
  readonly write: (keys: readonly string[]) => Promise<boolean>
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** a new name that nobody can guess */
  readonly newId: () => string
  /** receives the time from the write of a heartbeat to its last invalidation */
  readonly onLag: (ms: number) => void
}

interface Beat {
  readonly sentMs: number
  /** keys whose invalidation has not come yet */
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
   * INVARIANT: every heartbeat has its own name. With a repeated name, a late write of a failed
   * heartbeat, or a write by somebody else, would prove a later heartbeat, and a deaf feed would
   * look fresh.
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
