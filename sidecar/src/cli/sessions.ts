import { describeFailure } from '../adapters/redis/client.ts'
import { untilAnswered } from '../adapters/redis/retry.ts'
import { scanSids } from '../adapters/redis/session-scan.ts'
import type { Config } from '../config/schema.ts'
import { subjectKey } from '../domain/principal.ts'
import { seenKey, sessionKey } from '../domain/redis-keys.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StateAnomaly, StateObserver } from '../domain/state-observer.ts'
import { ABSENT, type StoredValue, WRONG_TYPE } from '../domain/stored-value.ts'
import { revocationKeys } from '../revocation/revocation-keys.ts'
import { isRefused } from '../revocation/revocation-rule.ts'
import type { Session } from '../session/session.ts'
import type { ListedSession } from '../session/session-registry.ts'
import { createIdleRule } from '../session/session-use.ts'
import type { KeyValues } from '../store/key-values.ts'
import {
  createSessionAdministration,
  type SessionAdministration,
} from '../wiring/session-administration.ts'
import { CommandError } from './command-error.ts'
import { jsonLine, print } from './output.ts'
import { type OpenRedis, withRedis } from './redis.ts'
import { checkReason, withAudit } from './revoke.ts'
import { asDetails, asJson, asRow, HEADING } from './session-text.ts'
import { readSid, readSubject } from './targets.ts'

interface Place extends SessionAdministration, OpenRedis {
  readonly config: Config
  /** unreadable records since the beginning */
  readonly unreadable: readonly StateAnomaly[]
}

const BATCH = 50

/**
 * Prints the live sessions, of a subject or of all, as they are found.
 *
 * @throws {CommandError} when Redis does not answer
 */
export function sessionsList(
  config: Config,
  { subject, json }: { readonly subject: string | undefined; readonly json: boolean },
): Promise<void> {
  const ofSubject = subject === undefined ? null : readSubject(subject, config)
  return within(config, async (place) => {
    if (!json) await print(HEADING)
    for await (const sessions of ofSubject === null
      ? allSessions(place)
      : sessionsOf(ofSubject, place)) {
      const text = await Promise.all(
        sessions.map(async (listed) => {
          const revoked = await isEnded(listed, place)
          return json ? jsonLine(asJson(listed, revoked)) : asRow(listed, revoked)
        }),
      )
      await print(text.join(''))
    }
    const { length } = place.unreadable
    if (length > 0) {
      process.stderr.write(
        `brickgate: ${length} values were no sessions that the configured keys open\n`,
      )
    }
  })
}

/**
 * @returns the output
 * @throws {CommandError} when there is no such session
 */
export function sessionsShow(config: Config, sid: string, isJson: boolean): Promise<string> {
  const known = readSid(sid)
  return within(config, async (place) => {
    const listed = place.answered(await place.registry.find(known, Date.now() / 1000))
    if (listed === null) throw await notShown(known, place)
    const revoked = await isEnded(listed, place)
    return isJson ? jsonLine(asJson(listed, revoked)) : asDetails(listed, revoked)
  })
}

/**
 * @returns the output
 * @throws {CommandError} when there is no such session
 */
export function sessionsRevoke(
  config: Config,
  operand: string,
  options: {
    readonly dryRun: boolean
    readonly json: boolean
    readonly reason: string | undefined
  },
): Promise<string> {
  const sid = readSid(operand)
  checkReason(options.reason)
  return within(config, async (place) => {
    const key = sessionKey(sid)
    if (!(await isThere(key, place))) throw new CommandError('notFound', `there is no ${key}`)
    const listed = place.answered(await place.registry.find(sid, Date.now() / 1000))
    const subject = listed === null ? null : subjectKey(listed.session.principal)
    const report = { key, subject, outcome: 'deleted', dry_run: options.dryRun }
    if (options.dryRun) {
      const keys = `${key} and ${seenKey(sid)} would be deleted`
      return options.json
        ? jsonLine(report)
        : `dry run: ${keys}, a session of ${subject ?? 'nobody'}\n`
    }
    await withAudit(config, async (audit) => {
      place.answered(await untilAnswered(() => place.records.delete(sid, subject)))
      const changed = { key, value: null, expiresAtSeconds: null, outcome: 'deleted' }
      const target = { kind: 'session', sid } as const
      audit.record({ action: 'end-session', target, ...changed, why: options.reason ?? null })
    })
    return options.json
      ? jsonLine(report)
      : `${key} is deleted, a session of ${subject ?? 'nobody'}\n`
  })
}

function within<T>(config: Config, work: (place: Place) => Promise<T>): Promise<T> {
  return withRedis(config, (open) => {
    const unreadable: StateAnomaly[] = []
    const observer: StateObserver = { anomaly: (kind) => void unreadable.push(kind) }
    // a command knows no outages: a session that is alive only because of an outage is listed after
    // its next use
    const isIdle = createIdleRule(config.sessions.idle_timeout_s, () => [])
    const isFull = (): boolean => false // a command makes no session
    const administration = createSessionAdministration(config, {
      keyValues: open.keyValues,
      observer,
      isIdle,
      isFull,
    })
    return work({ ...open, ...administration, config, unreadable })
  })
}

/** INVARIANT: at most a page is held in memory, however many sessions there are. */
async function* allSessions(place: Place): AsyncGenerator<readonly ListedSession[]> {
  for await (const sids of walk(place)) {
    for (let at = 0; at < sids.length; at += BATCH) {
      const nowSeconds = Date.now() / 1000
      const found = await Promise.all(
        sids.slice(at, at + BATCH).map((sid) => place.registry.find(sid, nowSeconds)),
      )
      yield found.map(place.answered).filter((one) => one !== null)
    }
  }
}

async function* walk({ redis }: Place): AsyncGenerator<readonly string[]> {
  try {
    yield* scanSids(redis)
  } catch (error) {
    throw new CommandError('unavailable', `redis: ${describeFailure(error)}`)
  }
}

async function* sessionsOf(
  subject: string,
  { registry, answered }: Place,
): AsyncGenerator<readonly ListedSession[]> {
  yield answered(await registry.list(subject, Date.now() / 1000))
}

async function isEnded(listed: ListedSession, place: Place): Promise<boolean> {
  const { session } = listed
  const result = await isRevoked(session, place.keyValues, place.config.revocation.clock_skew_s)
  return place.answered(result)
}

async function notShown(sid: string, place: Place): Promise<CommandError> {
  const key = sessionKey(sid)
  if (!(await isThere(key, place))) return new CommandError('notFound', `there is no ${key}`)
  const [anomaly] = place.unreadable
  if (anomaly === undefined) return new CommandError('notFound', `${key} has ended by disuse`)
  return new CommandError(
    'failed',
    `${key} is no session that the configured keys open: ${anomaly}`,
  )
}

async function isThere(key: string, place: { keyValues: KeyValues } & OpenRedis): Promise<boolean> {
  const [value = ABSENT] = place.answered(await place.keyValues.read([key]))
  return value.kind !== 'absent'
}

interface Readable {
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
}

/** Whether the next request of a session would be denied as revoked. Changes nothing. */
export async function isRevoked(
  session: Session,
  store: Readable,
  clockSkewSeconds: number,
): Promise<Result<boolean>> {
  const { principal, signInSeconds } = session
  const keys = revocationKeys(principal, session)
  const values = await store.read(keys.map(({ name }) => name))
  if (!values.ok) return values
  return ok(
    keys.some((key, index) =>
      isRefused(key, values.value[index] ?? WRONG_TYPE, signInSeconds, clockSkewSeconds),
    ),
  )
}
