import { isUtf8 } from 'node:buffer'
import {
  type AccessRequest,
  type BrowserContext,
  type Envelope,
  METHODS,
  type Method,
  type Presented,
} from '../domain/access-request.ts'
import { cut } from '../domain/cut.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import type { Params } from '../fcgi/params.ts'
import { readCookies } from './cookies.ts'
import { isRequestId } from './request-id.ts'
import { parseTarget } from './target.ts'

/**
 * INVARIANT: only parameters in this list are read, and never `REQUEST_URI`: it may differ from the
 * forwarded target.
 */
const USED = [
  'BRICKGATE_TARGET',
  'BRICKGATE_METHOD',
  'BRICKGATE_REQUEST_ID',
  'REMOTE_ADDR',
  'REQUEST_METHOD',
  'HTTP_ACCEPT',
  'HTTP_AUTHORIZATION',
  'HTTP_COOKIE',
  'HTTP_ORIGIN',
  'HTTP_SEC_FETCH_MODE',
  'HTTP_SEC_FETCH_SITE',
  'HTTP_UPGRADE',
  'HTTP_USER_AGENT',
] as const

type Used = (typeof USED)[number]

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu
/** lighttpd's limit for a request line and all fields together */
const MAX_CREDENTIAL_FIELD = 32_768
const MAX_ADDRESS = 64
const MAX_USER_AGENT = 512

/**
 * Reads the envelope and the target of a request to the workspace.
 *
 * @returns a refusal with `bad-request` for an unreadable request
 */
export function readAccessRequest(params: Params, tier: Tier): Result<AccessRequest> {
  const envelope = readEnvelope(params, tier)
  const target = read(params, 'BRICKGATE_TARGET')
  const parsed = parseTarget(target)
  if (!envelope.ok || !parsed.ok) return refuse('bad-request')
  return ok({ ...envelope.value, target, ...parsed.value })
}

/**
 * Reads everything except the target. Method and request id must be present once, every other used
 * parameter at most once, all of them UTF-8. `Authorization` and `Cookie` have at most 32,768 bytes
 * each, the user agent 512 characters (its controls become `?`).
 *
 * @returns a refusal with `bad-request` otherwise
 */
export function readEnvelope(params: Params, tier: Tier): Result<Envelope> {
  if (!USED.every((name) => isReadable(params, name))) return refuse('bad-request')
  const method = read(params, 'BRICKGATE_METHOD')
  const requestId = read(params, 'BRICKGATE_REQUEST_ID')
  const presented = readPresented(params)
  if (!isMethod(method) || !isRequestId(requestId)) return refuse('bad-request')
  if (presented === null) return refuse('bad-request')

  const browser = readBrowser(params)
  return ok({
    requestId,
    tier,
    method,
    sourceIp: readable(read(params, 'REMOTE_ADDR'), MAX_ADDRESS),
    userAgent: readable(read(params, 'HTTP_USER_AGENT'), MAX_USER_AGENT),
    isNavigation: method === 'GET' && !browser.isWebSocketUpgrade && asksForPage(params),
    presented,
    browser,
  })
}

function isReadable(params: Params, name: Used): boolean {
  return !params.isRepeated(name) && isUtf8(Buffer.from(read(params, name), 'latin1'))
}

/** Empty when absent; required parameters are never empty. */
function read(params: Params, name: Used): string {
  return params.get(name) ?? ''
}

function isMethod(text: string): text is Method {
  return METHODS.some((method) => method === text)
}

function readPresented(params: Params): Presented | null {
  const authorization = params.get('HTTP_AUTHORIZATION')
  const cookie = params.get('HTTP_COOKIE')
  if ((authorization?.length ?? 0) > MAX_CREDENTIAL_FIELD) return null
  if ((cookie?.length ?? 0) > MAX_CREDENTIAL_FIELD) return null
  return { authorization, ...readCookies(cookie) }
}

function readBrowser(params: Params): BrowserContext {
  return {
    origin: params.get('HTTP_ORIGIN'),
    fetchSite: params.get('HTTP_SEC_FETCH_SITE'),
    // any value counts, because only `websocket` passes the gate. HTTP/2 uses CONNECT (RFC 8441),
    // which the gate records as GET.
    isWebSocketUpgrade:
      params.get('HTTP_UPGRADE') !== null || read(params, 'REQUEST_METHOD') === 'CONNECT',
  }
}

/** Browsers that send Fetch Metadata must send `navigate`. */
function asksForPage(params: Params): boolean {
  const mode = params.get('HTTP_SEC_FETCH_MODE')
  if (mode !== null && mode !== 'navigate') return false
  const ranges = read(params, 'HTTP_ACCEPT').toLowerCase().split(',')
  return ranges.some((range) => /^\s*text\/html\s*(?:;|$)/.test(range))
}

/**
 * Text for a log: without control, format, line separator and half-pair characters, and with a
 * visible cut.
 */
function readable(latin1: string, maxLength: number): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8')
  return cut(text, maxLength).replace(UNPRINTABLE, '?')
}
