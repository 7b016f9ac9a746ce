import { subjectKey } from '../domain/principal.ts'
import type { ListedSession } from '../session/session-registry.ts'
import { plain } from './output.ts'
import { timeText } from './times.ts'

const TIME = 20
const SID = 64

/** Columns of a fixed width come first, so that rows can be printed as they are found. */
export const HEADING: string = row([
  'SID'.padEnd(SID),
  'KIND'.padEnd(7),
  'TIER'.padEnd(8),
  'STATE'.padEnd(7),
  ...['CREATED', 'LAST SEEN', 'EXPIRES'].map((title) => title.padEnd(TIME)),
  'SUBJECT',
  'ADDRESS',
  'DEVICE',
])

/** @returns a line; nothing in it is a token or usable as a token */
export function asRow({ session, lastSeenSeconds }: ListedSession, isRevoked: boolean): string {
  const { createdAtSeconds, expiresAtSeconds } = session
  return row([
    session.sid,
    session.kind.padEnd(7),
    session.tier.padEnd(8),
    stateOf(isRevoked).padEnd(7),
    ...[createdAtSeconds, lastSeenSeconds, expiresAtSeconds].map(timeText),
    subjectKey(session.principal),
    plain(session.sourceIp) || '-',
    plain(session.userAgent) || '-',
  ])
}

type SessionFacts = Readonly<Record<string, string | number | null | readonly string[]>>

/**
 * INVARIANT: every printed field is named here, and none is a token. Spreading the record would
 * print its tokens.
 */
export function asJson(
  { session, lastSeenSeconds }: ListedSession,
  isRevoked: boolean,
): SessionFacts {
  const { principal } = session
  return {
    sid: session.sid,
    subject: subjectKey(principal),
    kind: session.kind,
    tier: session.tier,
    state: stateOf(isRevoked),
    created_at: session.createdAtSeconds,
    last_seen_at: lastSeenSeconds,
    expires_at: session.expiresAtSeconds,
    signed_in_at: session.signInSeconds,
    source_ip: session.sourceIp,
    user_agent: session.userAgent,
    email: principal.email,
    groups: principal.groups,
    issuer: principal.issuerName,
    client_id: principal.clientId,
    token_id: principal.tokenId,
    idp_session: principal.idpSession,
  }
}

/** A line for each known field. */
export function asDetails(listed: ListedSession, isRevoked: boolean): string {
  return Object.entries(asJson(listed, isRevoked))
    .map(([name, value]) => `${name.padEnd(13)} ${plain(valueText(name, value))}\n`)
    .join('')
}

function valueText(name: string, value: SessionFacts[string]): string {
  if (value === null || value === '') return '-'
  if (typeof value === 'number') return name.endsWith('_at') ? timeText(value) : String(value)
  return typeof value === 'string' ? value : value.join(', ')
}

function stateOf(isRevoked: boolean): string {
  return isRevoked ? 'revoked' : 'live'
}

function row(columns: readonly string[]): string {
  return `${columns.join('  ')}\n`
}
