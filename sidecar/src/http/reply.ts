import type { Allow, Decision, Deny } from '../domain/decision.ts'
import { type ChallengeKind, REASONS, type ReasonRow } from '../domain/reason.ts'
import type { Reply } from '../fcgi/reply.ts'
import { isRequestId } from './request-id.ts'

/** What a reply says beside the decision. */
export interface ReplyContext {
  /** null when the request could not be read; anything but 32 lower-case hex digits is not repeated */
  readonly requestId: string | null
  /** shows the gate that an allow is ours */
  readonly proof: string
  /** for 429 and 503; rounded up to a whole number from 1 to 3,600 */
  readonly retryAfterSeconds: number
  /** protection space named in challenges (RFC 9110 section 11.5) */
  readonly realm: string
  /** whether the request was for Thrift, whose clients read the message from a header alone */
  readonly isThrift: boolean
}

/** What Databricks clients expect beside each status. */
const ERROR_CODES: Readonly<Record<Exclude<ReasonRow['status'], 200>, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'REQUEST_ENTITY_TOO_LARGE',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
}

/** Databricks JDBC throws without `Retry-After` here, and on one that is not an integer. */
const RETRIED: ReadonlySet<number> = new Set([429, 503])
const MAX_RETRY_AFTER_SECONDS = 3600

/** Some SDKs retry for minutes on any message with this in it; one hex id in 140 has it by chance. */
const RETRY_WORD = '429'

/**
 * Puts a decision into the authorizer's reply: for an allow, 200 with a variable for the proof and each
 * obligation, which the gate turns into headers; for a denial, an error as Databricks' own services
 * write it, which lighttpd hands to the client as it is.
 *
 * @throws {RangeError} when an obligation stands twice: lighttpd would join the two values
 */
export function decisionReply(decision: Decision, context: ReplyContext): Reply {
  return decision.effect === 'allow' ? allowed(decision, context.proof) : denied(decision, context)
}

function allowed(decision: Allow, proof: string): Reply {
  const headers = new Map([['Variable-BRICKGATE_PROOF', proof]])
  for (const { variable, value } of decision.obligations) {
    const name = `Variable-${variable}`
    if (headers.has(name)) throw new RangeError(`${variable} is obliged twice`)
    headers.set(name, value)
  }
  return { status: 200, headers: [...headers], body: '' }
}

/** INVARIANT: a denial carries no variable. */
function denied(decision: Deny, context: ReplyContext): Reply {
  const { status, challenge, message: reason } = REASONS[decision.reason]
  const { claim } = decision
  const message = claim === undefined || isRetried(claim) ? reason : `${reason} (claim ${claim})`
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ]
  if (challenge !== null) {
    headers.push(['WWW-Authenticate', challengeField(challenge, message, context.realm)])
  }
  if (RETRIED.has(status)) headers.push(['Retry-After', wholeSeconds(context.retryAfterSeconds)])
  const shown = withId(message, context.requestId)
  if (context.isThrift) headers.push(['X-Thriftserver-Error-Message', printable(shown)])
  const body = { error_code: ERROR_CODES[status], message: shown }
  return { status, headers, body: JSON.stringify(body) }
}

/** RFC 6750 section 3. */
function challengeField(
  kind: Exclude<ChallengeKind, null>,
  message: string,
  realm: string,
): string {
  const scheme = `Bearer realm=${quoted(realm)}`
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

function wholeSeconds(seconds: number): string {
  const whole = Number.isNaN(seconds) ? 1 : Math.ceil(seconds)
  return String(Math.min(Math.max(whole, 1), MAX_RETRY_AFTER_SECONDS))
}

function withId(message: string, requestId: string | null): string {
  if (requestId === null || !isRequestId(requestId)) return message
  return isRetried(requestId) ? message : `${message} (request id ${requestId})`
}

function isRetried(text: string): boolean {
  return text.includes(RETRY_WORD)
}
