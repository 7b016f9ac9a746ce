import { STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { decodeState, encodeState, type StateRecord } from '../revocation/state-loss.ts'
import type { KeyValues } from './key-values.ts'

/**
 * Says of a new Redis that nothing is lost; what an installation does once. A Redis that was emptied
 * looks the same, so this must not run again with each start of a sidecar.
 *
 * @returns false when there is a `bg:state` already, which stays as it is
 */
export function initState(keyValues: KeyValues, id: string): Promise<Result<boolean>> {
  return keyValues.create(STATE_KEY, encodeState({ id, sinceSeconds: 0 }), null)
}

/**
 * `accepted`: the loss is over. `nothing-lost`: there was none. `changed`: another wrote at the same
 * time, look again. `unreadable`: `bg:state` must first be deleted, it cannot be told what it means.
 */
export type AcceptOutcome = 'accepted' | 'nothing-lost' | 'changed' | 'unreadable'

/**
 * Ends a state loss: an operator takes it that no revocation is missing, or has set them again. Only
 * what was read is replaced, so that a loss recorded in between stays.
 *
 * @param id for the record of a Redis that has none yet
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
  /** null when there is none that can be read */
  readonly record: StateRecord | null
}

/** Reads `bg:state` as it stands, and changes nothing. */
export async function showState(keyValues: KeyValues): Promise<Result<ShownState>> {
  const values = await keyValues.read([STATE_KEY])
  if (!values.ok) return values
  const value = values.value[0] ?? ABSENT
  return ok({ value, record: value.kind === 'text' ? decodeState(value.text) : null })
}
