import { isUtf8 } from 'node:buffer'
import type {
  AccessRequest,
  BrowserContext,
  Envelope,
  Presented,
} from '../domain/access-request.ts'
import { cut } from '../domain/cut.ts'
import { METHODS, type Method } from '../domain/method.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import type { Params } from '../fcgi/params.ts'
import { readCookies } from './cookies.ts'
import { isRequestId } from './request-id.ts'
import { parseTarget } from './target.ts'

/** INVARIANT: nothing is read from a parameter that is not named here, `REQUEST_URI` least of all. */
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
/** what lighttpd admits for a request line and all fields together */
const MAX_CREDENTIAL_FIELD = 32_768
const MAX_ADDRESS = 64
const MAX_USER_AGENT = 512

/**
 * Reads what the gate recorded of a request to the workspace: its envelope and its target.
 *
 * @returns refuses with `bad-request`
 */
export function readAccessRequest(params: Params, tier: Tier): Result<AccessRequest> {
  const envelope = readEnvelope(params, tier)
  const target = read(params, 'BRICKGATE_TARGET')
  const parsed = parseTarget(target)
  if (!envelope.ok || !parsed.ok) return refuse('bad-request')
  return ok({ ...envelope.value, target, ...parsed.value })
}

/**
 * Reads everything but the target. Method and request id must be there once, every other used parameter
 * at most once, all of them UTF-8. Sizes are bounded: `Authorization` and `Cookie` to 32,768 bytes each,
 * the user agent to 512 characters (its controls become `?`).
 *
 * @returns refuses with `bad-request`
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

/** Empty when absent, which no required parameter may be. */
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
    // whatever it asks for: only `websocket` passes the gate. HTTP/2 asks by CONNECT (RFC 8441), which
    // the gate records as GET.
    isWebSocketUpgrade:
      params.get('HTTP_UPGRADE') !== null || read(params, 'REQUEST_METHOD') === 'CONNECT',
  }
}

/** Browsers that say how they fetch (Fetch Metadata) must say `navigate`. */
function asksForPage(params: Params): boolean {
  const mode = params.get('HTTP_SEC_FETCH_MODE')
  if (mode !== null && mode !== 'navigate') return false
  const ranges = read(params, 'HTTP_ACCEPT').toLowerCase().split(',')
  return ranges.some((range) => /^\s*text\/html\s*(?:;|$)/.test(range))
}

/** Text for a log: no control, format or line separator character, no half of a pair; visibly cut. */
function readable(latin1: string, maxLength: number): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8')
  return cut(text, maxLength).replace(UNPRINTABLE, '?')
}
