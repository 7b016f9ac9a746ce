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

/** One decision, for those who watch: never awaited, never able to change it. */
export interface DecisionEvent {
  /** known of most requests that could not be read, too; null when the gate gave none */
  readonly requestId: string | null
  /** null when the request could not be read */
  readonly request: (Envelope & Pick<AccessRequest, 'path'>) | null
  readonly tier: Tier
  readonly decision: Decision
  readonly durationMicroseconds: number
}

export interface DecisionObserver {
  decided(event: DecisionEvent): void
  /** a check that threw: a defect here or in a collaborator, answered with `internal-error` */
  failed(error: unknown): void
}

export interface AnswerDeps {
  readonly check: Check
  readonly observer: DecisionObserver
  readonly clock: Clock
  readonly proof: string
  /** the public URL of each tier, for the way to sign-in; null when there is none */
  readonly signInAt: Readonly<Record<Tier, string>> | null
  /** runs a function after the reply was handed to the socket */
  readonly afterReply: (task: () => void) => void
}

/** From the parameters of an authorizer request to its reply: what each worker serves. */
export type Answer = (params: Params, tier: Tier) => Promise<Reply>

export function createAnswer(deps: AnswerDeps): Answer {
  return async (params, tier) => {
    const startedMs = deps.clock.monotonicMs()
    const request = readAccessRequest(params, tier)
    const decision = request.ok ? await decide(request.value) : unjudged(request.reason)
    const event = {
      requestId: readRequestId(params),
      request: request.ok ? request.value : null,
      tier,
      decision,
      durationMicroseconds: Math.round((deps.clock.monotonicMs() - startedMs) * 1000),
    }
    deps.afterReply(() => deps.observer.decided(event))
    if (decision.effect === 'allow') return allowReply(decision, deps.proof)
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
      return unjudged('internal-error')
    }
  }
}

/** Thrift is spoken below one path; also a target there that could not be read is refused so. */
function isThrift(params: Params): boolean {
  return params.get('BRICKGATE_TARGET')?.startsWith('/sql/') === true
}

function unjudged(reason: DenyReason): Decision {
  return deny({ reason }, unknownCaller('none'))
}
