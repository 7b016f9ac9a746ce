import { AggregatorRegistry, type Registry } from 'prom-client'

/** The metrics of a process as prom-client's `getMetricsAsJSON` returns them. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * Sums the metrics of several processes into one page (Prometheus text format 0.0.4). Gauges
 * aggregate as they declare.
 *
 * INVARIANT: totals never fall, or Prometheus would count a reset. The last counts of a silent or
 * ended process stay in; only its gauges leave.
 */
export interface Aggregate {
  /** stores the newest snapshot of a live process */
  heard(processId: number, snapshot: Snapshot): void
  /** keeps the counts of an ended process, drops the rest */
  ended(processId: number): void
  /** @param silent processes whose gauges are outdated */
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
      folding = folding.then(foldEnded) // serial, or a snapshot would count twice
      await folding
      const present = [...latest].map(([id, snapshot]) =>
        silent.has(id) ? countsOf(snapshot) : snapshot,
      )
      return AggregatorRegistry.aggregate([...ended.values(), ...present]).metrics()
    },
  }

  // Merges the snapshots of ended processes, so that a worker that keeps dying leaves a single
  // snapshot.
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
