import type { Allow, Deny } from '../domain/decision.ts'
import { type ChallengeKind, REASONS } from '../domain/reason.ts'
import type { Reply } from '../fcgi/reply.ts'
import { isRequestId } from './request-id.ts'

/** Facts about the request that its reply repeats. */
export interface ReplyContext {
  /** null for an unreadable request; only 32 lower-case hex digits are sent to the client */
  readonly requestId: string | null
  /** true for Thrift requests, whose clients read the message only from a header */
  readonly isThrift: boolean
}

/**
 * Some SDKs retry for minutes on any message with this text; a hex id in 140 contains it by chance.
 */
const RETRY_WORD = '429'

/**
 * The authorizer's reply to an allow: 200 with a variable for `allowMac` and for each obligation,
 * which the gate turns into headers.
 *
 * @param allowMac as `macOfAllow` returns it; the gate compares it with its own
 * @throws {RangeError} for an obligation that comes twice: lighttpd would join the two values
 */
export function allowReply({ obligations }: Pick<Allow, 'obligations'>, allowMac: string): Reply {
  const headers = new Map([['Variable-BRICKGATE_PROOF', allowMac]])
  for (const { variable, value } of obligations) {
    const name = `Variable-${variable}`
    if (headers.has(name)) throw new RangeError(`${variable} is obliged twice`)
    headers.set(name, value)
  }
  return { status: 200, headers: [...headers], body: '' }
}

/**
 * An error as Databricks' own services write it, which lighttpd hands to the client as it is.
 *
 * INVARIANT: a denial carries no variable, or the gate could take it for an allow.
 */
export function denyReply(decision: Pick<Deny, 'reason' | 'claim'>, context: ReplyContext): Reply {
  const { status, challenge, errorCode, retryAfterSeconds, ...row } = REASONS[decision.reason]
  const { claim } = decision
  const message =
    claim === undefined || isRetried(claim) ? row.message : `${row.message} (claim ${claim})`
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ]
  if (challenge !== null) headers.push(['WWW-Authenticate', challengeField(challenge, message)])
  if (retryAfterSeconds !== null) headers.push(['Retry-After', String(retryAfterSeconds)])
  const shown = withId(message, context.requestId)
  if (context.isThrift) headers.push(['X-Thriftserver-Error-Message', printable(shown)])
  return { status, headers, body: JSON.stringify({ error_code: errorCode, message: shown }) }
}

/** RFC 6750 section 3. */
function challengeField(kind: Exclude<ChallengeKind, null>, message: string): string {
  const scheme = 'Bearer realm="brickgate"'
  if (kind === 'bare') return scheme
  return `${scheme}, error="${kind}", error_description=${quoted(message)}`
}

/** A quoted-string (RFC 9110 section 5.6.4) of the printable ASCII in `text`. */
function quoted(text: string): string {
  return `"${printable(text).replace(/["\\]/g, '\\$&')}"`
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '')
}

function withId(message: string, requestId: string | null): string {
  if (requestId === null || !isRequestId(requestId)) return message
  return isRetried(requestId) ? message : `${message} (request id ${requestId})`
}

function isRetried(text: string): boolean {
  return text.includes(RETRY_WORD)
}
