import type { DenyReason } from './reason.ts'

/** A value, or the reason for which a client's input yields none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refusal

export interface Refusal {
  readonly ok: false
  readonly reason: DenyReason
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function refuse(reason: DenyReason): Refusal {
  return { ok: false, reason }
}
