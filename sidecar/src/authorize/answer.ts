import type { AccessRequest, Envelope } from '../domain/access-request.ts'
import type { Clock } from '../domain/clock.ts'
import { type Decision, deny, unknownCaller } from '../domain/decision.ts'
import type { DenyReason } from '../domain/reason.ts'
import type { Tier } from '../domain/tier.ts'
import type { Params } from '../fcgi/params.ts'
import type { Reply } from '../fcgi/reply.ts'
import { readAccessRequest } from '../http/access-request.ts'
import { allowReply, denyReply } from '../http/reply.ts'
import { readRequestId } from '../http/request-id.ts'
import { signInRedirect } from '../http/sign-in-redirect.ts'
import type { Check } from './check.ts'

/** A decision, for observers. Observers are never awaited and cannot change the decision. */
export interface DecisionEvent {
  /** null when the gate sent none; also set for most unreadable requests */
  readonly requestId: string | null
  /** null for an unreadable request */
  readonly request: (Envelope & Pick<AccessRequest, 'path'>) | null
  readonly tier: Tier
  readonly decision: Decision
  readonly durationMicroseconds: number
}

export interface DecisionObserver {
  decided(event: DecisionEvent): void
  /** reports a check that threw; the request gets `internal-error` */
  failed(error: unknown): void
}

export interface AnswerDeps {
  readonly check: Check
  readonly observer: DecisionObserver
  readonly clock: Clock
  /** as `macOfAllow` returns it */
  readonly allowMac: string
  /** public URL of each tier, for redirects to sign-in; null without sign-in */
  readonly signInAt: Readonly<Record<Tier, string>> | null
  /** runs a task after the reply was handed to the socket */
  readonly afterReply: (task: () => void) => void
}

/** Turns the parameters of an authorizer request into a reply. Each worker serves this function. */
export type Answer = (params: Params, tier: Tier) => Promise<Reply>

export function createAnswer(deps: AnswerDeps): Answer {
  return async (params, tier) => {
    const startedMs = deps.clock.monotonicMs()
    const request = readAccessRequest(params, tier)
    const decision = request.ok ? await decide(request.value) : denied(request.reason)
    const event = {
      requestId: readRequestId(params),
      request: request.ok ? request.value : null,
      tier,
      decision,
      durationMicroseconds: Math.round((deps.clock.monotonicMs() - startedMs) * 1000),
    }
    deps.afterReply(() => deps.observer.decided(event))
    if (decision.effect === 'allow') return allowReply(decision, deps.allowMac)
    const redirect =
      request.ok && deps.signInAt !== null
        ? signInRedirect(request.value, decision, deps.signInAt[tier])
        : null
    return (
      redirect ?? denyReply(decision, { requestId: event.requestId, isThrift: isThrift(params) })
    )
  }

  async function decide(request: AccessRequest): Promise<Decision> {
    try {
      return await deps.check(request)
    } catch (error) {
      deps.observer.failed(error)
      return denied('internal-error')
    }
  }
}

/** Thrift runs below one path. An unreadable target below that path counts too. */
function isThrift(params: Params): boolean {
  return params.get('BRICKGATE_TARGET')?.startsWith('/sql/') === true
}

function denied(reason: DenyReason): Decision {
  return deny({ reason }, unknownCaller('none'))
}
