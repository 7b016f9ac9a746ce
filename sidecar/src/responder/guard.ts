import type { IncomingMessage } from 'node:http'
import type { DecisionObserver } from '../authorize/answer.ts'
import type { Authenticate, Caller } from '../authorize/authenticate.ts'
import type { Envelope } from '../domain/access-request.ts'
import type { Clock } from '../domain/clock.ts'
import {
  type Allow,
  allow,
  type DecisionContext,
  type Deny,
  deny,
  unknownCaller,
} from '../domain/decision.ts'
import type { Refusal, Result } from '../domain/result.ts'
import type { Reply } from '../fcgi/reply.ts'
import { readEnvelope } from '../http/access-request.ts'
import { denyReply } from '../http/reply.ts'
import { readRequestId } from '../http/request-id.ts'
import { cgiParams, tierOf } from './cgi-params.ts'

export interface GuardDeps {
  readonly authenticate: Authenticate
  readonly observer: DecisionObserver
  readonly clock: Clock
}

export type Answered<T> =
  | { readonly ok: true; readonly value: T; readonly decision: Allow }
  | { readonly ok: false; readonly refusal: Reply; readonly decision: Deny }

/** The session that a request is about, for its record; null for none. */
type Concerned = Pick<DecisionContext, 'sid'>

/**
 * The work of a route for an authenticated caller. A refusal is answered and recorded like any
 * other decision.
 */
export type Act<T extends Concerned> = (
  caller: Caller,
  envelope: Envelope,
  nowSeconds: number,
) => Promise<Result<T>>

/**
 * Authenticates a request to the responder and runs its work. Authentication and record are the
 * same as for the workspace. Policy is not evaluated, because every caller may see and end their
 * own sessions.
 *
 * @returns a promise that rejects with a TypeError when the gate sent no tier, which is a defect
 *   of the gate
 */
export type Guard = <T extends Concerned>(
  incoming: IncomingMessage,
  act: Act<T>,
) => Promise<Answered<T>>

export function createGuard(deps: GuardDeps): Guard {
  return async (incoming, act) => {
    const startedMs = deps.clock.monotonicMs()
    const params = cgiParams(incoming)
    const tier = tierOf(incoming)
    const envelope = readEnvelope(params, tier)
    const outcome = await perform(envelope, act)

    const requestId = readRequestId(params)
    deps.observer.decided({
      requestId,
      request: envelope.ok ? { ...envelope.value, path: pathOf(incoming) } : null,
      tier,
      decision: outcome.decision,
      durationMicroseconds: Math.round((deps.clock.monotonicMs() - startedMs) * 1000),
    })
    if (outcome.ok) return outcome
    const { decision } = outcome
    return { ok: false, refusal: denyReply(decision, { requestId, isThrift: false }), decision }
  }

  async function perform<T extends Concerned>(
    envelope: Result<Envelope>,
    act: Act<T>,
  ): Promise<Outcome<T>> {
    if (!envelope.ok) return refused(envelope, unknownCaller('none'))
    const nowSeconds = deps.clock.nowSeconds()
    const authentication = await deps.authenticate(envelope.value, nowSeconds)
    if (!authentication.ok) return refused(authentication, authentication.context)
    const { caller } = authentication
    const result = await act(caller, envelope.value, nowSeconds)
    if (!result.ok) return refused(result, caller)
    const { value } = result
    return { ok: true, value, decision: allow({ ...caller, sid: value.sid }, []) }
  }
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly decision: Allow }
  | { readonly ok: false; readonly decision: Deny }

function refused(refusal: Refusal, context: DecisionContext): Outcome<never> {
  return { ok: false, decision: deny(refusal, context) }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.replace(/\?.*/, '')
}
