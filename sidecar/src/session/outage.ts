/** A span in which the use of sessions could not be written or read, in epoch seconds. */
export interface Outage {
  readonly fromSeconds: number
  /** null while it goes on */
  readonly untilSeconds: number | null
}

/** What the primary knows of Redis. It outlives the workers, and with it their knowledge of outages. */
export interface RedisNews {
  readonly outages: readonly Outage[]
  /** whether Redis is so full that what is left is kept for revocations */
  readonly isFull: boolean
}

/**
 * @param outages in any order, none of which overlaps another
 * @returns how many of the seconds between two moments belong to outages
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
   * @param sinceSeconds the last moment at which Redis is known to have worked for it
   */
  began(source: string, sinceSeconds: number): void
  /** Redis works for a process again, or the process is gone. */
  ended(source: string, atSeconds: number): void
  /** @returns every outage, oldest first, none of which overlaps another */
  all(): readonly Outage[]
}

/**
 * An outage lasts while at least one process is in it.
 *
 * @param maxOutages how many are kept; beyond, the oldest is forgotten, and its time counts as idleness
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

  /** INVARIANT: no second counts twice. Outages that reach into the open one become part of it. */
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
 * Finds the edges of outages in a row of looks at Redis. An outage begins with the last look that found
 * Redis working, because Redis may have failed right after.
 *
 * @param tell receives each edge once
 * @returns takes the next look: when Redis was asked, when the outcome was known, and whether Redis works
 */
export function createOutageEdges(
  tell: (edge: OutageEdge) => void,
): (askedSeconds: number, knownSeconds: number, works: boolean) => void {
  let workedSeconds: number | null = null
  let isOutage = false
  return (askedSeconds, knownSeconds, works) => {
    if (works) workedSeconds = askedSeconds
    if (works !== isOutage) return
    isOutage = !works
    if (works) tell({ kind: 'ended', atSeconds: knownSeconds })
    else tell({ kind: 'began', sinceSeconds: workedSeconds ?? askedSeconds })
  }
}
