import type { Outage } from './verdict.ts'

/** Watches for times in which this process does not get to run, and with it what runs in it. */
export interface StallWatch {
  /** ends it */
  stop(): readonly Outage[]
}

const LOOKED_EVERY_MS = 10
/** Less than half of what a gateway waits for Redis, which talks to it through this process. */
const STALLED_AFTER_MS = 100
/** How long a gateway waits for Redis. */
const NOTICED_FOR_MS = 250

export function watchStalls(): StallWatch {
  const stalls: Outage[] = []
  let lookedMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    if (nowMs - lookedMs > STALLED_AFTER_MS) {
      stalls.push({ fromMs: lookedMs, toMs: nowMs + NOTICED_FOR_MS })
    }
    lookedMs = nowMs
  }, LOOKED_EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      return stalls
    },
  }
}
