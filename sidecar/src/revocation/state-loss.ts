import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import type { StoredValue } from '../domain/stored-value.ts'

/** What `bg:state` says. */
export interface StateRecord {
  /** changes whenever the state was found missing */
  readonly id: string
  /** what was written by then may be lost, in epoch seconds; 0 when nothing is */
  readonly sinceSeconds: number
}

// Members that a later version adds are left alone: a mixed deployment must not take them for a loss.
const recordSchema = z.object({ id: z.string().min(1), since: z.int().nonnegative() })

export function encodeState(record: StateRecord): string {
  return JSON.stringify({ id: record.id, since: record.sinceSeconds })
}

/** @returns null for what is there but says nothing */
export function decodeState(text: string): StateRecord | null {
  const parsed = recordSchema.safeParse(parseJson(text))
  return parsed.success ? { id: parsed.data.id, sinceSeconds: parsed.data.since } : null
}

/**
 * Until when revocations and sessions may have been lost. A loss ends when every token issued by then
 * has expired.
 *
 * INVARIANT: only a readable record says that nothing was lost. A value of another type or form means
 * that everything up to this moment may be, for as long as it stays: no sidecar writes over what it
 * cannot read, an operator deletes it and accepts the loss.
 *
 * @returns 0 when nothing was lost, Infinity for a record that cannot be read
 */
export function lostSinceSeconds(
  state: StoredValue,
  nowSeconds: number,
  longestAcceptanceSeconds: number,
): number {
  const record = state.kind === 'text' ? decodeState(state.text) : null
  if (record === null) return Number.POSITIVE_INFINITY
  const isOver = nowSeconds - record.sinceSeconds > longestAcceptanceSeconds
  return isOver ? 0 : record.sinceSeconds
}
