import { STATE_KEY, seenKey, sessionKey } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StateAnomaly, StateObserver } from '../domain/state-observer.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import type { RevocationStore } from '../revocation/revocation-view.ts'
import { decodeState, encodeState, lostBeforeSeconds } from '../revocation/state-loss.ts'
import type { SessionReader } from '../session/session-store.ts'
import type { KeyValues } from './key-values.ts'
import type { StateReader } from './state-reader.ts'

export interface StateStores {
  readonly sessions: SessionReader
  readonly revocations: RevocationStore
}

export interface StateStoresDeps {
  readonly keyValues: KeyValues
  readonly reader: StateReader
  readonly observer: StateObserver
  /** returns a new random id for a `bg:state` */
  readonly newId: () => string
  /** the longest time after a loss for which an older token can be accepted */
  readonly longestAcceptanceSeconds: number
}

/** Both stores on the same commands. Every read returns whether state was lost. */
export function createStateStores(deps: StateStoresDeps): StateStores {
  const { keyValues, observer } = deps
  const sessions: SessionReader = {
    read: async (sid, nowSeconds) => {
      const reading = await readWithLoss([sessionKey(sid)], nowSeconds)
      if (!reading.ok) return reading
      const { values, ...rest } = reading.value
      return ok({ record: values[0] ?? ABSENT, ...rest })
    },
    readSeen: async (sid) => {
      const values = await keyValues.read([seenKey(sid)])
      return values.ok ? ok(values.value[0] ?? ABSENT) : values
    },
    touch: (sid, sealed, expiresAtSeconds) =>
      keyValues.write(seenKey(sid), sealed, expiresAtSeconds),
  }
  return { sessions, revocations: { read: readWithLoss } }

  async function readWithLoss(
    keys: readonly string[],
    nowSeconds: number,
  ): ReturnType<RevocationStore['read']> {
    const reading = await deps.reader.read(keys)
    if (!reading.ok) return reading
    const { values, state: found, isFromOutage } = reading.value
    const state = found.kind === 'absent' ? await recordLoss(nowSeconds) : ok(found)
    if (!state.ok) return state
    reportUnreadable(state.value)
    return ok({
      values,
      isFromOutage,
      lostBeforeSeconds: lostBeforeSeconds(state.value, nowSeconds, deps.longestAcceptanceSeconds),
    })
  }

  /**
   * Records a loss of all state up to now, unless another process was first, and reads the record.
   */
  async function recordLoss(nowSeconds: number): Promise<Result<StoredValue>> {
    observer.anomaly('state-missing', STATE_KEY)
    const record = encodeState({ id: deps.newId(), sinceSeconds: Math.ceil(nowSeconds) })
    const created = await keyValues.create(STATE_KEY, record, null)
    if (!created.ok) return created
    const values = await keyValues.read([STATE_KEY])
    return values.ok ? ok(values.value[0] ?? ABSENT) : values
  }

  function reportUnreadable(state: StoredValue): void {
    const kind = stateAnomaly(state)
    if (kind !== null) observer.anomaly(kind, STATE_KEY)
  }
}

function stateAnomaly(state: StoredValue): StateAnomaly | null {
  if (state.kind === 'wrong-type') return 'wrong-type'
  if (state.kind === 'absent') return 'state-missing'
  return decodeState(state.text) === null ? 'malformed' : null
}
