import type { Answer } from './answer.ts'
import type { StackClient } from './client.ts'

/**
 * The `error` of an RFC 6750 challenge, `bare` for a challenge without one, null for no challenge.
 */
export type Challenge = 'bare' | 'invalid_token' | 'invalid_request' | 'insufficient_scope' | null

/** Parts of a refusal that a client reads. */
export interface Refusal {
  readonly status: number
  /** the code that Databricks' own services send with the status */
  readonly errorCode: string
  readonly challenge: Challenge
  /** whether the answer has a `Retry-After` in whole seconds */
  readonly hasRetryAfter: boolean
}

/** The refusal with the reason of the audit and the number of requests to the workspace. */
export interface AuditedRefusal extends Refusal {
  readonly reason: string
  /** how many requests came to the workspace since they were last forgotten */
  readonly upstreamRequests: number
}

/**
 * Reads a refusal in the form of Databricks' own services.
 *
 * @throws for one of another form
 */
export function readRefusal(answer: Answer): Refusal {
  const { status, headers, body } = answer
  const parsed = JSON.parse(body) as Readonly<Record<string, unknown>>
  const isNative =
    /^application\/json(?:; charset=utf-8)?$/.test(headers['content-type'] ?? '') &&
    headers['cache-control'] === 'no-store' &&
    Object.keys(headers).every((name) => !name.startsWith('variable-')) &&
    Object.keys(parsed).join() === 'error_code,message' &&
    /^[a-z][\x20-\x7e]+$/.test(String(parsed['message']))
  if (!isNative) throw new Error(`not a native refusal: ${JSON.stringify(answer)}`)
  return {
    status,
    errorCode: String(parsed['error_code']),
    challenge: challengeOf(headers['www-authenticate']),
    hasRetryAfter: isWholeSeconds(headers['retry-after']),
  }
}

/** Reads a refusal by the sidecar with its line of the audit log, which must be there and deny. */
export async function auditedRefusal(stack: StackClient, answer: Answer): Promise<AuditedRefusal> {
  const refusal = readRefusal(answer)
  const audit = await stack.auditOf(String(answer.headers['x-request-id']))
  if (audit['decision'] !== 'deny') throw new Error(`audited as ${String(audit['decision'])}`)
  const { length } = await stack.upstreamRequests()
  return { ...refusal, reason: audit.reason, upstreamRequests: length }
}

export function badRequest(reason: string, challenge: Challenge = null): AuditedRefusal {
  return audited({ status: 400, errorCode: 'BAD_REQUEST', challenge, hasRetryAfter: false }, reason)
}

export function unauthorized(
  reason: string,
  challenge: Challenge = 'invalid_token',
): AuditedRefusal {
  const errorCode = 'UNAUTHENTICATED'
  return audited({ status: 401, errorCode, challenge, hasRetryAfter: false }, reason)
}

export function forbidden(reason: string, challenge: Challenge = null): AuditedRefusal {
  const errorCode = 'PERMISSION_DENIED'
  return audited({ status: 403, errorCode, challenge, hasRetryAfter: false }, reason)
}

export function unavailable(reason: string): AuditedRefusal {
  const errorCode = 'TEMPORARILY_UNAVAILABLE'
  return audited({ status: 503, errorCode, challenge: null, hasRetryAfter: true }, reason)
}

function audited(refusal: Refusal, reason: string): AuditedRefusal {
  return { ...refusal, reason, upstreamRequests: 0 }
}

/** @throws unless the gateway serves a request with a good token */
export async function ensureServes(stack: StackClient, goodToken: string): Promise<void> {
  const { status, body } = await stack.sendAs(goodToken, '/api/2.1/clusters/list')
  if (status !== 200) throw new Error(`the gateway does not serve: ${status} ${body}`)
}

function challengeOf(field: string | undefined): Challenge {
  if (field === undefined) return null
  const form = /^Bearer realm="brickgate"(?:, error="([a-z_]+)", error_description="[^"\\]+")?$/
  const match = form.exec(field)
  if (match === null) throw new Error(`a challenge of another form: ${field}`)
  return (match[1] ?? 'bare') as Challenge // a test compares the text
}

function isWholeSeconds(field: string | undefined): boolean {
  if (field === undefined) return false
  if (!/^[1-9]\d{0,3}$/.test(field)) throw new Error(`Retry-After is ${field}`)
  return true
}
