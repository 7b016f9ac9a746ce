import { LRUCache } from 'lru-cache'
import { sessionKey } from '../domain/redis-keys.ts'
import type { StateAnomaly, StateObserver } from '../domain/state-observer.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { RecordCipher } from './record-cipher.ts'
import { decodeSession, type Session } from './session.ts'

export interface OpenRecordDeps {
  readonly cipher: RecordCipher
  readonly observer: StateObserver
}

/**
 * The session that lies under a sid; null when there is none.
 *
 * INVARIANT: only what our key encrypted, and for this sid, is a session.
 */
export async function openRecord(
  deps: OpenRecordDeps,
  sid: string,
  record: StoredValue,
): Promise<Session | null> {
  if (record.kind === 'absent') return null
  if (record.kind === 'wrong-type') return unusable('wrong-type')
  const plaintext = await deps.cipher.decrypt(record.text)
  if (plaintext === null) return unusable('undecryptable')
  const session = decodeSession(plaintext)
  if (session === null) return unusable('malformed')
  return session.sid === sid ? session : unusable('misplaced')

  function unusable(kind: StateAnomaly): null {
    deps.observer.anomaly(kind, sessionKey(sid))
    return null
  }
}

/** Opens the records of sessions in use. */
export interface RecordOpener {
  /** @returns null for a record that is absent, or is no session of this sid; the latter is reported */
  open(sid: string, record: StoredValue): Promise<Session | null>
}

/** Decrypting takes longer than all else that a session costs, so the last ones opened are kept. */
const MAX_OPENED = 10_000

interface Opened {
  readonly text: string
  readonly session: Session
}

export function createRecordOpener(deps: OpenRecordDeps): RecordOpener {
  const opened = new LRUCache<string, Opened>({ max: MAX_OPENED })
  return {
    async open(sid, record) {
      if (record.kind !== 'text') return openRecord(deps, sid, record)
      // INVARIANT: what was opened counts for exactly the same record under the same sid.
      const known = opened.get(sid)
      if (known?.text === record.text) return known.session
      const session = await openRecord(deps, sid, record)
      if (session !== null) opened.set(sid, { text: record.text, session })
      return session
    },
  }
}
