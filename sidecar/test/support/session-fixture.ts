import type { Principal } from '../../src/domain/principal.ts'
import type { StateAnomaly, StateObserver } from '../../src/domain/state-observer.ts'
import type { Outage } from '../../src/session/outage.ts'
import { createRecordCipher, type RecordCipher } from '../../src/session/record-cipher.ts'
import { createSeenSeal, type SeenSeal } from '../../src/session/seen-seal.ts'
import { type Session, sessionIdFrom, sidOf } from '../../src/session/session.ts'
import type { SessionReader } from '../../src/session/session-store.ts'
import { createIdleRule, createSessionUse, type SessionUse } from '../../src/session/session-use.ts'

/** The time of the fixtures. */
export const NOW = 1_800_000_000

export const ALICE: Principal = {
  issuerName: 'okta',
  subject: '00u1alice',
  email: 'alice@example.com',
  groups: ['analysts', 'data, eng'],
  clientId: '0oa1app',
  tokenId: 'jti-1',
  idpSession: 'idp-sid-1',
  authTimeSeconds: null,
  issuedAtSeconds: NOW - 60,
  notBeforeSeconds: null,
  expiresAtSeconds: NOW + 3540,
}

export const SESSION_ID: string = sessionIdFrom(new Uint8Array(32).fill(7))
export const OTHER_SESSION_ID: string = sessionIdFrom(new Uint8Array(32).fill(8))

export const SESSION: Session = {
  sid: sidOf(SESSION_ID),
  principal: ALICE,
  kind: 'browser',
  tier: 'internal',
  signInSeconds: NOW - 60,
  createdAtSeconds: NOW - 60,
  expiresAtSeconds: NOW + 28_740,
  accessToken: { token: 'eyJ.access.token', expiresAtSeconds: NOW + 3540, tokenId: 'jti-1' },
  refreshToken: 'refresh-1',
  idToken: 'eyJ.id.token',
  sourceIp: '192.0.2.1',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  isUseSealed: true,
}

export const SESSION_KEY_BYTES: Uint8Array = new Uint8Array(32).fill(1)
export const CIPHER: RecordCipher = createRecordCipher([SESSION_KEY_BYTES])

export interface AnomalyLog extends StateObserver {
  /** `<kind> <key>` in order */
  readonly reported: string[]
}

export function anomalyLog(): AnomalyLog {
  const reported: string[] = []
  return {
    reported,
    anomaly: (kind: StateAnomaly, key: string) => void reported.push(`${kind} ${key}`),
  }
}

/** The use of sessions in a process with these outages. */
export function sessionUse(
  store: Pick<SessionReader, 'touch' | 'readSeen'>,
  observer: StateObserver,
  { idleSeconds, outages = () => [] }: { idleSeconds: number; outages?: () => readonly Outage[] },
): SessionUse {
  return createSessionUse({
    store,
    seal: seenSeal(observer),
    isIdle: createIdleRule(idleSeconds, outages),
  })
}

/** The seal of a sidecar with the fixture's key. */
export function seenSeal(observer: StateObserver): SeenSeal {
  return createSeenSeal([SESSION_KEY_BYTES], observer)
}

/** The value that a sidecar writes to Redis for a session that was last used then. */
export function sealedSeen(sid: string, usedAtSeconds: number): string {
  return seenSeal(anomalyLog()).seal({ sid, isUseSealed: true }, usedAtSeconds)
}
