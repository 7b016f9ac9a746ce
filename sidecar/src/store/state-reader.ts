import { STATE_KEY } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import type { KeyValues } from './key-values.ts'

/** Values of keys together with the `bg:state` that vouches for them. */
export interface StateReading {
  /** in the order of the keys asked for */
  readonly values: readonly StoredValue[]
  /** what stands under `bg:state` */
  readonly state: StoredValue
  /** whether Redis is out of reach for longer than the staleness bound, and this is what was known before */
  readonly isFromOutage: boolean
}

/** How the stores of sessions and revocations read. Whatever fails is refused with `state-unavailable`. */
export interface StateReader {
  read(keys: readonly string[]): Promise<Result<StateReading>>
}

/**
 * INVARIANT: bg:state comes last. A flush before it leaves it missing, and a flush after it cannot have
 * emptied the values; the other way round values could vanish behind a state that was fine.
 */
export async function readWithState(
  keyValues: Pick<KeyValues, 'read'>,
  keys: readonly string[],
): Promise<Result<Omit<StateReading, 'isFromOutage'>>> {
  const reading = await keyValues.read([...keys, STATE_KEY])
  if (!reading.ok) return reading
  return ok({ values: reading.value.slice(0, -1), state: reading.value.at(-1) ?? ABSENT })
}
