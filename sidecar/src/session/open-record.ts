import { sessionKey } from '../domain/redis-keys.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { decodeSession, type Session } from './session.ts'
import type { SessionCipher } from './session-cipher.ts'
import type { StateAnomaly, StateObserver } from './state-observer.ts'

export interface OpenRecordDeps {
  readonly cipher: SessionCipher
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
