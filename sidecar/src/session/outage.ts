/** A span in which the use of sessions could not be written or read, in epoch seconds. */
export interface Outage {
  readonly fromSeconds: number
  /** null while it goes on */
  readonly untilSeconds: number | null
}

/** State of Redis as the primary knows it. The primary keeps it while workers come and go. */
export interface RedisNews {
  readonly outages: readonly Outage[]
  /** whether the memory of Redis is so full that the rest is kept for revocations */
  readonly isFull: boolean
}

/**
 * @param outages in any order, without overlaps
 * @returns the seconds of outages between two times
 */
export function outageSeconds(
  outages: readonly Outage[],
  fromSeconds: number,
  untilSeconds: number,
): number {
  let seconds = 0
  for (const outage of outages) {
    const end = Math.min(outage.untilSeconds ?? untilSeconds, untilSeconds)
    seconds += Math.max(0, end - Math.max(outage.fromSeconds, fromSeconds))
  }
  return seconds
}

/** The outages that one sidecar knows of, as its processes report them. */
export interface OutageLog {
  /**
   * A process can't use Redis.
   *
   * @param source names the process
   * @param sinceSeconds the last time at which Redis worked for the process
   */
  began(source: string, sinceSeconds: number): void
  /** Redis works for a process again, or the process is gone. */
  ended(source: string, atSeconds: number): void
  /** @returns every outage, oldest first, without overlaps */
  all(): readonly Outage[]
}

/**
 * An outage lasts while at least one process is in it.
 *
 * @param maxOutages beyond it the oldest outage is forgotten, and its time counts as idle time
 */
export function createOutageLog(maxOutages: number): OutageLog {
  const inside = new Set<string>()
  let past: readonly Outage[] = []
  let openSinceSeconds = Number.POSITIVE_INFINITY

  return {
    began(source, sinceSeconds) {
      inside.add(source)
      openSinceSeconds = Math.min(openSinceSeconds, sinceSeconds)
      absorb()
    },
    ended(source, atSeconds) {
      if (!inside.delete(source) || inside.size > 0) return
      if (atSeconds > openSinceSeconds) {
        const outage = { fromSeconds: openSinceSeconds, untilSeconds: atSeconds }
        past = [...past, outage].slice(-maxOutages)
      }
      openSinceSeconds = Number.POSITIVE_INFINITY
    },
    all() {
      if (inside.size === 0) return past
      return [...past, { fromSeconds: openSinceSeconds, untilSeconds: null }]
    },
  }

  /**
   * Merges the outages that reach into the open outage.
   *
   * INVARIANT: outages do not overlap. Otherwise a second would count twice, and an idle session
   * would live on.
   */
  function absorb(): void {
    for (let last = past.at(-1); last !== undefined; last = past.at(-1)) {
      if ((last.untilSeconds ?? 0) < openSinceSeconds) return
      openSinceSeconds = Math.min(openSinceSeconds, last.fromSeconds)
      past = past.slice(0, -1)
    }
  }
}

/** The beginning or the end of an outage, as one process sees it. */
export type OutageEdge =
  | { readonly kind: 'began'; readonly sinceSeconds: number }
  | { readonly kind: 'ended'; readonly atSeconds: number }

/**
 * Finds the edges of outages in a series of probes of Redis. An outage begins at the last probe
 * that succeeded, because Redis may have failed right after it.
 *
 * @param onEdge receives each edge once
 * @returns a function that takes the next probe: the times of its command and outcome, and whether
 *   Redis works
 */
export function createOutageEdges(
  onEdge: (edge: OutageEdge) => void,
): (askedSeconds: number, knownSeconds: number, works: boolean) => void {
  let workedSeconds: number | null = null
  let isOutage = false
  return (askedSeconds, knownSeconds, works) => {
    if (works) workedSeconds = askedSeconds
    if (works !== isOutage) return
    isOutage = !works
    if (works) onEdge({ kind: 'ended', atSeconds: knownSeconds })
    else onEdge({ kind: 'began', sinceSeconds: workedSeconds ?? askedSeconds })
  }
}
