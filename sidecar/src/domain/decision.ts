import type { Obligation } from './obligation.ts'
import type { Principal } from './principal.ts'
import type { DenyReason } from './reason.ts'

/** How the caller identified itself, a bounded label for metrics and audit. */
export type CredentialKind = 'bearer' | 'session' | 'none'

/** What a decision knows of the caller; filled as far as the check came. */
export interface DecisionContext {
  readonly credential: CredentialKind
  readonly principal: Principal | null
  /** SHA-256 (hex) of the session id, null without a session */
  readonly sid: string | null
  /** ids of the policies that determined the outcome */
  readonly policies: readonly string[]
  /** whether Redis was out of reach, and the caller was judged by what was known before */
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
  /** the claim of a token that is in the way, see `Refusal` */
  readonly claim?: string | undefined
}
