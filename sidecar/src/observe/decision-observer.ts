import type { DecisionEvent, DecisionObserver } from '../authorize/answer.ts'
import type { AuditLog } from './audit.ts'
import type { Logger } from './log.ts'
import type { WorkerMetrics } from './metrics.ts'

/** Counts and records decisions. An error here is logged and cannot reach a check. */
export function createDecisionObserver(
  metrics: WorkerMetrics,
  audit: AuditLog,
  log: Logger,
): DecisionObserver {
  return {
    decided(event) {
      try {
        count(metrics, event)
        audit.record(event)
      } catch (error) {
        log.error({ err: error }, 'a decision could not be recorded')
        metrics.auditDropped.inc()
      }
    },
    failed(error) {
      log.error({ err: error }, 'a check failed')
    },
  }
}

function count(metrics: WorkerMetrics, event: DecisionEvent): void {
  const { effect, reason, credential } = event.decision
  metrics.decisions.inc({ decision: effect, reason, tier: event.tier, credential })
  if (effect === 'allow' && event.decision.isFromOutage) metrics.outageAllows.inc()
  metrics.decisionSeconds.observe({ decision: effect }, event.durationMicroseconds / 1e6)
}
