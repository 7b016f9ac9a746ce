import type { Aggregate, Snapshot } from '../observe/aggregate.ts'
import type { Pool } from './pool.ts'

/** Collects the metrics of every worker and sums those that arrive in time. */
export interface Scrape {
  page(): Promise<string>
  /** stores a worker's metrics, requested or not */
  heard(workerId: number, requestId: number | null, snapshot: Snapshot): void
}

export interface ScrapeDeps {
  readonly pool: Pick<Pool, 'workers'>
  readonly aggregate: Aggregate
  /** the metrics of this process */
  readonly own: () => Promise<Snapshot>
  /** called for a worker that did not answer in time, of which only the counts stay */
  readonly onSilent: () => void
}

const ANSWER_WITHIN_MS = 500
/** The primary among the processes; workers count from 1. */
const OWN_ID = 0

export function createScrape(deps: ScrapeDeps): Scrape {
  const waiting = new Map<number, { missing: Set<number>; done: () => void }>()
  let lastId = 0

  return {
    async page() {
      const silent = await requestAll()
      silent.forEach(deps.onSilent)
      deps.aggregate.heard(OWN_ID, await deps.own())
      return deps.aggregate.render(silent)
    },
    heard(workerId, requestId, snapshot) {
      deps.aggregate.heard(workerId, snapshot)
      const request = requestId === null ? undefined : waiting.get(requestId)
      request?.missing.delete(workerId)
      if (request?.missing.size === 0) request.done()
    },
  }

  function requestAll(): Promise<ReadonlySet<number>> {
    const workers = deps.pool.workers().filter((worker) => worker.state === 'ready')
    const missing = new Set(workers.map((worker) => worker.id))
    const id = ++lastId
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(missing)
      }
      const timer = setTimeout(done, ANSWER_WITHIN_MS)
      waiting.set(id, { missing, done })
      for (const worker of workers) worker.send({ type: 'collect', id })
      if (workers.length === 0) done()
    })
  }
}
