import type { Logger } from '../observe/log.ts'
import type { PrimaryMetrics } from '../observe/metrics.ts'
import type { PoolObserver } from './pool.ts'

/** Counts and logs workers that exit or are killed. */
export function workerEvents(
  metrics: PrimaryMetrics,
  log: Logger,
): Pick<PoolObserver, 'exited' | 'killed'> {
  return {
    exited({ id, role }, isExpected, { how, shortLives, nextStartMs }) {
      if (isExpected) return log.info({ worker: id, role, how }, 'worker exited')
      metrics.workerExits.inc({ role })
      const next = { short_lives: shortLives, next_start_ms: nextStartMs }
      log.error({ worker: id, role, how, ...next }, 'worker exited')
    },
    killed: (worker, why) => log.error({ worker: worker.id, role: worker.role, why }, 'killed'),
  }
}
