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
 * Opens the record of a session.
 *
 * INVARIANT: only a record that our key encrypted for this sid is a session. Otherwise a writer of
 * Redis could make sessions, or copy a session to another id.
 *
 * @returns null for an absent or unusable record; the latter is reported
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
  /** @returns null for an absent or unusable record; the latter is reported */
  open(sid: string, record: StoredValue): Promise<Session | null>
}

/** Decryption is the largest cost of a session, so the most recent sessions stay opened. */
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
      // INVARIANT: an opened session counts only for the same record under the same sid. Otherwise
      // a changed record would keep its old session.
      const known = opened.get(sid)
      if (known?.text === record.text) return known.session
      const session = await openRecord(deps, sid, record)
      if (session !== null) opened.set(sid, { text: record.text, session })
      return session
    },
  }
}
