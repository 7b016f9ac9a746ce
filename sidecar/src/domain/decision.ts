import type { Obligation } from './obligation.ts'
import type { Principal } from './principal.ts'
import type { DenyReason } from './reason.ts'
import type { Refusal } from './result.ts'

/** The kind of credential, a bounded label for metrics and audit. */
export type CredentialKind = 'bearer' | 'session' | 'none'

/** Facts about the caller, as far as the check came. */
export interface DecisionContext {
  readonly credential: CredentialKind
  readonly principal: Principal | null
  /** SHA-256 (hex) of the session id, null without a session */
  readonly sid: string | null
  /** ids of the policies that determined the outcome */
  readonly policies: readonly string[]
  /** true while Redis is unreachable and values from before the outage decided */
  readonly isFromOutage: boolean
}

export type Decision = Allow | Deny

export interface Allow extends DecisionContext {
  readonly effect: 'allow'
  readonly reason: 'allowed'
  readonly principal: Principal
  readonly obligations: readonly Obligation[]
}

export interface Deny extends DecisionContext {
  readonly effect: 'deny'
  readonly reason: DenyReason
  /** the offending claim of a token, see `Refusal` */
  readonly claim?: string | undefined
}

/** The context of a caller of whom only the kind of credential is known. */
export function unknownCaller(credential: CredentialKind): DecisionContext {
  return { credential, principal: null, sid: null, policies: [], isFromOutage: false }
}

/** @param context may have other fields; the decision takes only those of `DecisionContext` */
export function allow(
  context: DecisionContext & { readonly principal: Principal },
  obligations: readonly Obligation[],
): Allow {
  const { credential, principal, sid, policies, isFromOutage } = context
  return {
    effect: 'allow',
    reason: 'allowed',
    credential,
    principal,
    sid,
    policies,
    isFromOutage,
    obligations,
  }
}

/** @param context may have other fields; the decision takes only those of `DecisionContext` */
export function deny({ reason, claim }: Omit<Refusal, 'ok'>, context: DecisionContext): Deny {
  const { credential, principal, sid, policies, isFromOutage } = context
  return { effect: 'deny', reason, claim, credential, principal, sid, policies, isFromOutage }
}
