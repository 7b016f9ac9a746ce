import type { DenyReason } from './reason.ts'

/** A value, or the reason for which a client's input yields none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refusal

export interface Refusal {
  readonly ok: false
  readonly reason: DenyReason
  /**
   * the offending claim of a token: a name from this code or the configuration, never from a client
   */
  readonly claim?: string
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function refuse(reason: DenyReason, claim?: string): Refusal {
  return claim === undefined ? { ok: false, reason } : { ok: false, reason, claim }
}
