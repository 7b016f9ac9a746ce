import type { IncomingMessage } from 'node:http'
import { type DecisionObserver, replyContext } from '../authorize/answer.ts'
import {
  type Authenticate,
  type Authentication,
  type Caller,
  unidentified,
} from '../authorize/authenticate.ts'
import type { Clock } from '../domain/clock.ts'
import type { Decision } from '../domain/decision.ts'
import { isTier } from '../domain/tier.ts'
import type { Reply } from '../fcgi/reply.ts'
import { readEnvelope } from '../http/access-request.ts'
import { decisionReply } from '../http/reply.ts'
import { readRequestId } from '../http/request-id.ts'
import { cgiParams } from './cgi-params.ts'

export interface AskDeps {
  readonly authenticate: Authenticate
  readonly observer: DecisionObserver
  readonly clock: Clock
}

export type Answered =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly refusal: Reply }

/**
 * Who sends a request to the responder. The same code judges as for the workspace, and the same record
 * is left; only policy has no say, because everyone may know who they are.
 *
 * @returns rejects with a TypeError when the gate named no tier, which is its defect
 */
export function createAsk(deps: AskDeps): (request: IncomingMessage) => Promise<Answered> {
  return async (incoming) => {
    const startedMs = deps.clock.monotonicMs()
    const params = cgiParams(incoming)
    const tier = params.get('BRICKGATE_TIER')
    if (!isTier(tier)) throw new TypeError('a request to the responder has no tier')
    const envelope = readEnvelope(params, tier)
    const authentication = envelope.ok
      ? await deps.authenticate(envelope.value, deps.clock.nowSeconds())
      : unidentified(envelope.reason, 'none')

    const requestId = readRequestId(params)
    const decision = decisionOf(authentication)
    deps.observer.decided({
      requestId,
      request: envelope.ok ? { ...envelope.value, path: pathOf(incoming) } : null,
      tier,
      decision,
      durationMicroseconds: Math.round((deps.clock.monotonicMs() - startedMs) * 1000),
    })
    if (authentication.ok) return { ok: true, caller: authentication.caller }
    // A denial has no place for the proof, and the responder has no use for one.
    return { ok: false, refusal: decisionReply(decision, replyContext(requestId, '')) }
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.replace(/\?.*/, '')
}

function decisionOf(authentication: Authentication): Decision {
  if (!authentication.ok) {
    return { effect: 'deny', reason: authentication.reason, ...authentication.context }
  }
  const { credential, principal, sid, policies } = authentication.caller
  return {
    effect: 'allow',
    reason: 'allowed',
    credential,
    principal,
    sid,
    policies,
    obligations: [],
  }
}
