import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import type { StoredValue } from '../domain/stored-value.ts'

/** The value of `bg:state`. */
export interface StateRecord {
  /** changes when the state was found missing */
  readonly id: string
  /** writes up to this time may be lost, in epoch seconds; 0 for no loss */
  readonly sinceSeconds: number
}

// Members of later versions are ignored; else a mixed deployment would take them for a loss.
const recordSchema = z.object({ id: z.string().min(1), since: z.int().nonnegative() })

export function encodeState(record: StateRecord): string {
  return JSON.stringify({ id: record.id, since: record.sinceSeconds })
}

/** @returns null for a text of another form */
export function decodeState(text: string): StateRecord | null {
  const parsed = recordSchema.safeParse(parseJson(text))
  return parsed.success ? { id: parsed.data.id, sinceSeconds: parsed.data.since } : null
}

/**
 * The time before which revocations and sessions may be lost. A loss ends when every token issued
 * before that time has expired.
 *
 * INVARIANT: an unreadable record counts as a loss of everything up to now, until an operator
 * deletes it and accepts the loss; no sidecar overwrites it. Otherwise a damaged record would hide
 * lost revocations.
 *
 * @returns 0 for no loss, Infinity for an unreadable record
 */
export function lostBeforeSeconds(
  state: StoredValue,
  nowSeconds: number,
  longestAcceptanceSeconds: number,
): number {
  const record = state.kind === 'text' ? decodeState(state.text) : null
  if (record === null) return Number.POSITIVE_INFINITY
  const isOver = nowSeconds - record.sinceSeconds > longestAcceptanceSeconds
  return isOver ? 0 : record.sinceSeconds
}
