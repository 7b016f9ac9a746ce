import { STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { decodeState, encodeState, type StateRecord } from '../revocation/state-loss.ts'
import type { KeyValues } from './key-values.ts'

/**
 * Records that a new Redis has lost nothing. An installation does this once; a sidecar never does,
 * because an emptied Redis looks like a new Redis.
 *
 * @returns false without a change when `bg:state` exists
 */
export function initState(keyValues: KeyValues, id: string): Promise<Result<boolean>> {
  return keyValues.create(STATE_KEY, encodeState({ id, sinceSeconds: 0 }), null)
}

/**
 * `accepted`: the loss is over. `nothing-lost`: nothing was lost. `changed`: another process wrote
 * `bg:state` at the same time; try again. `unreadable`: `bg:state` has no known form and must first
 * be deleted.
 */
export type AcceptOutcome = 'accepted' | 'nothing-lost' | 'changed' | 'unreadable'

/**
 * Ends a state loss, for an operator who has checked that no revocation is missing. Only the value
 * that was read is replaced, so a loss that is recorded in between stays.
 *
 * @param id id of the new record where Redis has no record
 */
export async function acceptState(
  keyValues: KeyValues,
  id: string,
): Promise<Result<AcceptOutcome>> {
  const shown = await showState(keyValues)
  if (!shown.ok) return shown
  const { value, record } = shown.value
  if (value.kind === 'absent') {
    const created = await initState(keyValues, id)
    return created.ok ? ok(created.value ? 'accepted' : 'changed') : created
  }
  if (value.kind === 'wrong-type' || record === null) return ok('unreadable')
  if (record.sinceSeconds === 0) return ok('nothing-lost')
  const accepted = encodeState({ id: record.id, sinceSeconds: 0 })
  const replaced = await keyValues.replace(STATE_KEY, value.text, accepted)
  return replaced.ok ? ok(replaced.value ? 'accepted' : 'changed') : replaced
}

export interface ShownState {
  readonly value: StoredValue
  /** null for a missing or unreadable record */
  readonly record: StateRecord | null
}

/** Reads `bg:state` and changes nothing. */
export async function showState(keyValues: KeyValues): Promise<Result<ShownState>> {
  const values = await keyValues.read([STATE_KEY])
  if (!values.ok) return values
  const value = values.value[0] ?? ABSENT
  return ok({ value, record: value.kind === 'text' ? decodeState(value.text) : null })
}
