import { AggregatorRegistry, type Registry } from 'prom-client'

/** The metrics of one process as prom-client's `getMetricsAsJSON` gives them. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * Joins what several processes counted into one page (Prometheus text format 0.0.4). Gauges aggregate
 * as they declare.
 *
 * INVARIANT: totals never fall. What a process had counted when it was last heard stays in, whether it
 * is silent now or gone for good; only its gauges leave.
 */
export interface Aggregate {
  /** takes the newest snapshot of a process that is alive */
  heard(processId: number, snapshot: Snapshot): void
  /** keeps the counts of a process that ended, drops the rest */
  ended(processId: number): void
  /** @param silent processes whose gauges are not to be trusted now */
  render(silent: ReadonlySet<number>): Promise<string>
}

export function createAggregate(): Aggregate {
  const latest = new Map<number, Snapshot>()
  const ended = new Map<number, Snapshot>()
  let folding = Promise.resolve()

  return {
    heard: (processId, snapshot) => void latest.set(processId, snapshot),

    ended(processId) {
      const snapshot = latest.get(processId)
      latest.delete(processId)
      if (snapshot !== undefined) ended.set(processId, countsOf(snapshot))
    },

    async render(silent) {
      folding = folding.then(foldEnded) // one after the other, or a snapshot would count twice
      await folding
      const present = [...latest].map(([id, snapshot]) =>
        silent.has(id) ? countsOf(snapshot) : snapshot,
      )
      return AggregatorRegistry.aggregate([...ended.values(), ...present]).metrics()
    },
  }

  // A worker that keeps dying must not leave a snapshot a time: all that ended become one.
  async function foldEnded(): Promise<void> {
    if (ended.size < 2) return
    const ids = [...ended.keys()]
    const folded = await AggregatorRegistry.aggregate([...ended.values()]).getMetricsAsJSON()
    for (const id of ids) ended.delete(id)
    ended.set(ids[0] ?? 0, folded)
  }
}

function countsOf(snapshot: Snapshot): Snapshot {
  return snapshot.filter((metric) => String(metric.type) !== 'gauge')
}
