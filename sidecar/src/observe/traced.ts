import type { Answer, DecisionObserver } from '../authorize/answer.ts'
import { REASONS } from '../domain/reason.ts'
import type { Tracing } from './tracing.ts'

/** The parameter with the client's `traceparent`, as lighttpd passes it. */
const TRACEPARENT = 'HTTP_TRACEPARENT'
/** The variable that the gate writes into the forwarded request's `traceparent`. */
const VARIABLE = 'Variable-BRICKGATE_TRACEPARENT'

/**
 * Makes the authorization of sampled requests a span, the parent of the workspace's own spans.
 *
 * @param tracing null returns `answer` unchanged
 */
export function traced(answer: Answer, tracing: Tracing | null): Answer {
  if (tracing === null) return answer
  return async (params, tier) => {
    const span = tracing.begin('authorize', params.get(TRACEPARENT))
    if (span === null) return answer(params, tier)
    const reply = await tracing.within(span, () => answer(params, tier))
    if (reply.status !== 200) return reply
    return { ...reply, headers: [...reply.headers, [VARIABLE, span.traceparent]] }
  }
}

/**
 * Ends the span of a decision.
 *
 * @param tracing null returns `observer` unchanged
 */
export function tracedObserver(
  observer: DecisionObserver,
  tracing: Tracing | null,
): DecisionObserver {
  if (tracing === null) return observer
  return {
    ...observer,
    decided(event) {
      observer.decided(event)
      const { effect: decision, reason } = event.decision
      const attributes = {
        ...(event.requestId === null ? {} : { request_id: event.requestId }),
        decision,
        reason,
        tier: event.tier,
      }
      const isError = REASONS[reason].status >= 500
      tracing.current()?.end(event.durationMicroseconds / 1e6, attributes, isError)
    },
  }
}
