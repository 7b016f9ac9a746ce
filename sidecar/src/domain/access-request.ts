import type { Tier } from './tier.ts'

/** Who asks, by what way and with what in hand: what is known of a request apart from its target. */
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
  /** whether this is a browser's page navigation, the only request ever redirected to sign-in */
  readonly isNavigation: boolean
  /** unverified material; never logged */
  readonly presented: Presented
  /** what the request says of its origin, for credentials that a browser attaches by itself */
  readonly browser: BrowserContext
}

/** What is asked for, as the gate recorded it: the subject of one decision. */
export interface AccessRequest extends Envelope {
  /** origin-form target (RFC 9112 section 3.2.1), byte for byte what is forwarded */
  readonly target: string
  /** the target without its query, as sent */
  readonly path: string
  /** the path's segments, percent-decoded once; a `/` inside one stood there escaped */
  readonly segments: readonly string[]
}

/** Where a credential can stand in a request. Nothing here is verified. */
export interface Presented {
  /** the whole `Authorization` field value, null when absent */
  readonly authorization: string | null
  /** the values of every cookie of our name, in order */
  readonly sessionCookies: readonly string[]
  /** the `Cookie` field without our cookies, empty when nothing is left */
  readonly otherCookies: string
}

export interface BrowserContext {
  /** `Origin` header, null when absent */
  readonly origin: string | null
  /** `Sec-Fetch-Site` header, null when absent */
  readonly fetchSite: string | null
  readonly isWebSocketUpgrade: boolean
}
