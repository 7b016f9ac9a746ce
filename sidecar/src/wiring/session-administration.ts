import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import type { StateObserver } from '../domain/state-observer.ts'
import { createRevocationWriter, type RevocationWriter } from '../revocation/revocation-writer.ts'
import {
  createRecordCipher,
  type RecordCipher,
  type RecordType,
  type SessionKeys,
} from '../session/record-cipher.ts'
import { createSeenSeal, type SeenSeal } from '../session/seen-seal.ts'
import { sessionIdFrom } from '../session/session.ts'
import { createSessionRegistry, type SessionRegistry } from '../session/session-registry.ts'
import type { SessionRecords } from '../session/session-store.ts'
import type { IdleRule } from '../session/session-use.ts'
import type { KeyValues } from '../store/key-values.ts'
import { createSessionRecords } from '../store/session-records.ts'
import { longestAcceptanceSeconds } from './trusted-issuers.ts'

/** The parts that list, end and revoke sessions, for the responder and the command line. */
export interface SessionAdministration {
  readonly registry: SessionRegistry
  readonly records: SessionRecords
  readonly revocations: RevocationWriter
}

export interface SessionAdministrationDeps {
  readonly keyValues: KeyValues
  readonly observer: StateObserver
  readonly isIdle: IdleRule
  /** whether Redis has no room for new sessions */
  readonly isFull: () => boolean
}

export function createSessionAdministration(
  config: Config,
  { keyValues, observer, isIdle, isFull }: SessionAdministrationDeps,
): SessionAdministration {
  const records = createSessionRecords(keyValues, isFull)
  const registry = createSessionRegistry({
    records,
    cipher: sessionCipher(config),
    observer,
    seal: seenSeal(config, observer),
    newId: () => sessionIdFrom(randomBytes(32)),
    maxPerSubject: config.sessions.max_per_subject,
    isIdle,
  })
  return { registry, records, revocations: revocationWriter(config, keyValues) }
}

/** The writer of revocations. */
export function revocationWriter(config: Config, records: KeyValues): RevocationWriter {
  const lifetimeSeconds = revocationLifetimeSeconds(config)
  return createRevocationWriter({ records, lifetimeSeconds })
}

/** The cipher of session records. */
export function sessionCipher(config: Config): RecordCipher {
  return recordCipher(config, 'bg-session')
}

/** A cipher for records of one type: the first key encrypts, all decrypt. */
export function recordCipher(config: Config, type: RecordType): RecordCipher {
  return createRecordCipher(sessionKeys(config), type)
}

/** The seal of the times of last use. */
export function seenSeal(config: Config, observer: StateObserver): SeenSeal {
  return createSeenSeal(sessionKeys(config), observer)
}

/**
 * How long after a revocation a revoked credential can still be presented, by the issuers' clocks.
 */
export function revocationLifetimeSeconds(config: Config): number {
  const ofSession = config.sessions.absolute_timeout_s + config.revocation.clock_skew_s
  return Math.max(longestAcceptanceSeconds(config), ofSession)
}

function sessionKeys({ sessions: { keys } }: Config): SessionKeys {
  const [current, ...previous] = keys
  return [keyBytes(current), ...previous.map(keyBytes)]
}

function keyBytes(base64url: string): Uint8Array {
  return Buffer.from(base64url, 'base64url')
}
