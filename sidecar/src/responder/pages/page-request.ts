import type { IncomingMessage } from 'node:http'
import type { Envelope } from '../../domain/access-request.ts'
import { ok, type Result } from '../../domain/result.ts'
import { readEnvelope } from '../../http/access-request.ts'
import { cgiParams, tierOf } from '../cgi-params.ts'

/** An unauthenticated request to a page of the gateway. */
export interface PageRequest {
  readonly envelope: Envelope
  /** the whole `Cookie` field, null when absent */
  readonly cookies: string | null
  readonly query: URLSearchParams
}

/**
 * @returns a refusal with `bad-request`; throws a TypeError when the gate sent no tier, which is
 *   a defect of the gate
 */
export function readPageRequest(incoming: IncomingMessage): Result<PageRequest> {
  const params = cgiParams(incoming)
  const envelope = readEnvelope(params, tierOf(incoming))
  if (!envelope.ok) return envelope
  const query = new URLSearchParams(/\?.*/.exec(incoming.url ?? '')?.[0] ?? '')
  return ok({ envelope: envelope.value, cookies: params.get('HTTP_COOKIE'), query })
}

/**
 * Whether a request names another host than the tier's. Cookies, redirects and forms would belong
 * to that host, so such a request gets 421 (RFC 9110 section 15.5.20).
 */
export function isMisdirected(incoming: IncomingMessage, publicOrigin: string): boolean {
  const host = cgiParams(incoming).get('HTTP_HOST')
  return host === null || URL.parse(`https://${host}`)?.href !== `${publicOrigin}/`
}

/** The only value of a parameter; null when it is absent or repeated. */
export function onlyValue(parameters: URLSearchParams, name: string): string | null {
  const [value, ...further] = parameters.getAll(name)
  return value === undefined || further.length > 0 ? null : value
}
