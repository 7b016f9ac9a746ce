/** Something that is done again and again. */
export interface Paced<T> {
  /** how often it was begun so far */
  readonly begun: number
  /** starts no further request, and waits for the started ones */
  stop(): Promise<readonly T[]>
}

/**
 * Begins `action` so many times a second until it is stopped, without waiting for any to end.
 *
 * @param action gets 0, 1, 2, …; when one rejects, so does `stop`
 * @param atMost how often it is begun altogether
 */
export function startPaced<T>(
  perSecond: number,
  action: (count: number) => Promise<T>,
  atMost: number = Number.POSITIVE_INFINITY,
): Paced<T> {
  const begun: Promise<T>[] = []
  const startedMs = performance.now()
  const timer = setInterval(
    () => {
      // by the clock, so that a late timer does not thin the load
      const due = Math.min(atMost, ((performance.now() - startedMs) / 1000) * perSecond)
      while (begun.length < due) begun.push(started(action(begun.length)))
    },
    Math.max(1, 1000 / perSecond),
  )
  return {
    get begun() {
      return begun.length
    },
    stop() {
      clearInterval(timer)
      return Promise.all(begun)
    },
  }
}

/** A rejection is the business of `stop`, not of the process. */
function started<T>(running: Promise<T>): Promise<T> {
  running.catch(() => undefined)
  return running
}
