import { ok } from '../../src/domain/result.ts'
import type { KeyValues } from '../../src/store/key-values.ts'
import { readWithState, type StateReader } from '../../src/store/state-reader.ts'

/** A state reader without a cache: each read goes to the key-values. */
export function uncachedReader(keyValues: Pick<KeyValues, 'read'>): StateReader {
  return {
    async read(keys) {
      const values = await readWithState(keyValues, keys)
      return values.ok ? ok({ ...values.value, isFromOutage: false }) : values
    },
  }
}
