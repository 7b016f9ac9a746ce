import { STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import type { KeyValues } from './key-values.ts'

/** Values of keys, and the `bg:state` that was read after them. */
export interface StateSnapshot {
  /** in the order of the keys */
  readonly values: readonly StoredValue[]
  /** value of `bg:state` */
  readonly state: StoredValue
  /** whether Redis is unreachable for longer than the staleness bound, and the values are older */
  readonly isFromOutage: boolean
}

/** Reads for the stores of sessions and revocations; a failed read returns `state-unavailable`. */
export interface StateReader {
  read(keys: readonly string[]): Promise<Result<StateSnapshot>>
}

/**
 * Reads keys, then `bg:state`.
 *
 * INVARIANT: `bg:state` is read last, so that a flush before its read leaves it missing. Read
 * first, it would look intact while a flush emptied the values, and revoked tokens would pass.
 */
export async function readWithState(
  keyValues: Pick<KeyValues, 'read'>,
  keys: readonly string[],
): Promise<Result<Omit<StateSnapshot, 'isFromOutage'>>> {
  const reading = await keyValues.read([...keys, STATE_KEY])
  if (!reading.ok) return reading
  return ok({ values: reading.value.slice(0, -1), state: reading.value.at(-1) ?? ABSENT })
}
