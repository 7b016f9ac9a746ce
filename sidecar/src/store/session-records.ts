import { seenKey, sessionKey, subjectSessionsKey } from '../domain/redis-keys.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { ABSENT } from '../domain/stored-value.ts'
import type { SessionRecords, StoredSession } from '../session/session-store.ts'
import type { KeyValues } from './key-values.ts'

/**
 * Stores sessions as keys. No command uses two keys, so Redis Cluster works.
 *
 * @param isFull whether Redis has no room for new sessions; absent where no session is made
 */
export function createSessionRecords(
  keyValues: KeyValues,
  isFull: () => boolean = () => false,
): SessionRecords {
  return {
    create: async ({ sid, subject, expiresAtSeconds }, record) => {
      if (isFull()) return refuse('state-full')
      const index = subjectSessionsKey(subject)
      const reserved = await keyValues.indexAdd(index, sid, expiresAtSeconds, true)
      if (!reserved.ok) return reserved
      const created = await keyValues.create(sessionKey(sid), record, expiresAtSeconds)
      const completed = created.ok
        ? await keyValues.indexAdd(index, sid, expiresAtSeconds, false)
        : created
      // Redis may still run a command that timed out; these commands follow it on the connection.
      if (!completed.ok) {
        await Promise.all([keyValues.delete(sessionKey(sid)), keyValues.indexRemove(index, sid)])
        return completed
      }
      return created.ok && created.value ? completed : ok(null)
    },
    read: async (sids) => {
      const keys = sids.flatMap((sid) => [sessionKey(sid), seenKey(sid)])
      const values = await keyValues.read(keys)
      if (!values.ok) return values
      return ok(
        sids.map((sid, index): StoredSession => {
          const [record = ABSENT, seen = ABSENT] = values.value.slice(2 * index)
          return { sid, record, seen }
        }),
      )
    },
    replace: (sid, expected, record) => keyValues.replace(sessionKey(sid), expected, record),
    delete: async (sid, subject) => {
      const deleted = await keyValues.delete(sessionKey(sid))
      if (!deleted.ok) return deleted
      // The session has ended now; the other keys expire by themselves if these commands fail.
      await keyValues.delete(seenKey(sid))
      if (subject !== null) await dropFromIndex(subject, [sid])
      await keyValues.settle(sessionKey(sid))
      return deleted
    },
    sidsOf: async (subject) => {
      const members = await keyValues.indexMembers(subjectSessionsKey(subject))
      if (!members.ok) return members
      return ok(members.value.map(({ member, isReserved }) => ({ sid: member, isReserved })))
    },
    dropFromIndex,
  }

  async function dropFromIndex(subject: string, sids: readonly string[]): Promise<Result<void>> {
    const key = subjectSessionsKey(subject)
    const dropped = await Promise.all(sids.map((sid) => keyValues.indexRemove(key, sid)))
    return dropped.find((one) => !one.ok) ?? ok(undefined)
  }
}
