import type { Tier } from './tier.ts'

/** The methods that can reach a workspace (RFC 9110 section 9.3, RFC 5789), case-sensitive. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export type Method = (typeof METHODS)[number]

/** Everything known of a request except its target. */
export interface Envelope {
  /** 32 lower-case hex digits made by the gate; also goes to the client and to the workspace */
  readonly requestId: string
  readonly tier: Tier
  /** upper-case HTTP method; for a WebSocket upgrade `GET` */
  readonly method: string
  /** textual address of the client */
  readonly sourceIp: string
  /** empty when the client sent none */
  readonly userAgent: string
  /** true for a browser's page navigation, the only request that is ever redirected to sign-in */
  readonly isNavigation: boolean
  /** unverified material; never logged */
  readonly presented: Presented
  /**
   * browser headers about the request's origin, for credentials that a browser attaches by itself
   */
  readonly browser: BrowserContext
}

/** A request for the workspace, as the gate recorded it: the subject of a decision. */
export interface AccessRequest extends Envelope {
  /** origin-form target (RFC 9112 section 3.2.1), byte for byte as it is forwarded */
  readonly target: string
  /** the target without its query, as sent */
  readonly path: string
  /** the path's segments, percent-decoded once; a `/` within a segment was escaped */
  readonly segments: readonly string[]
}

/** The places of a request that may contain a credential. Nothing here is verified. */
export interface Presented {
  /** the whole `Authorization` field value, null when absent */
  readonly authorization: string | null
  /** the values of every session cookie, in order */
  readonly sessionCookies: readonly string[]
  /** the `Cookie` field without the gateway's cookies, empty when nothing is left */
  readonly otherCookies: string
}

export interface BrowserContext {
  /** `Origin` header, null when absent */
  readonly origin: string | null
  /** `Sec-Fetch-Site` header, null when absent */
  readonly fetchSite: string | null
  readonly isWebSocketUpgrade: boolean
}
