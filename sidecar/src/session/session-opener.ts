import { createRecentMap } from '../domain/recent-map.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { type OpenRecordDeps, openRecord } from './open-record.ts'
import type { Session } from './session.ts'

/** Opens the records of sessions in use. */
export interface SessionOpener {
  /** @returns null for a record that is absent, or is no session of this sid; the latter is reported */
  open(sid: string, record: StoredValue): Promise<Session | null>
}

/** Decrypting takes longer than all else that a session costs, so the last ones opened are kept. */
const MAX_OPENED = 10_000

interface Opened {
  readonly text: string
  readonly session: Session
}

export function createSessionOpener(deps: OpenRecordDeps): SessionOpener {
  const opened = createRecentMap<Opened>({ maxEntries: MAX_OPENED })
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
