import type { Outage } from './verdict.ts'

/** Watches for times in which the machine is too slow for what a gateway asks of Redis. */
export interface StallWatch {
  /** ends it */
  stop(): readonly Outage[]
}

const LOOKED_EVERY_MS = 10
/** Less than half of what a gateway waits for Redis, which talks to it through this process. */
const STALLED_AFTER_MS = 100
/** Half of what a gateway waits: its worker, too, has to get to run before and after. */
const SLOW_AFTER_MS = 125
/** How long a gateway waits for Redis. */
const NOTICED_FOR_MS = 250

/**
 * Finds times at which this process does not run, and at which Redis takes long by the way of the
 * gateways. Answers of these times are no fault of the gateways.
 *
 * @param pingRedis sends a command by that way; left out where a fault changes which Redis that is
 */
export function watchStalls(pingRedis?: () => Promise<unknown>): StallWatch {
  const stalls: Outage[] = []
  const look = (fromMs: number, afterMs: number): void => {
    const nowMs = performance.now()
    if (nowMs - fromMs > afterMs) stalls.push({ fromMs, toMs: nowMs + NOTICED_FOR_MS })
  }
  let lookedMs = performance.now()
  let askedMs: number | null = null
  const sendRequest = async (): Promise<void> => {
    askedMs = performance.now()
    await pingRedis?.().catch(() => undefined) // a connection that broke, which the time tells
    look(askedMs, SLOW_AFTER_MS)
    askedMs = null
  }
  const timer = setInterval(() => {
    look(lookedMs, STALLED_AFTER_MS)
    lookedMs = performance.now()
    if (askedMs === null && pingRedis !== undefined) void sendRequest()
  }, LOOKED_EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      if (askedMs !== null) look(askedMs, SLOW_AFTER_MS)
      return stalls
    },
  }
}
