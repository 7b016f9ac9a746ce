import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

/** An accepted request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** the unread rest is read and dropped after the answer */
  readonly body: Readable
  readonly query: URLSearchParams
  /** captured groups of the route's pattern, not decoded */
  readonly captured: readonly string[]
  /** the subject of the credential */
  readonly caller: string
  /** aborted when the client is gone */
  readonly gone: AbortSignal
}

/** A method, a pattern for the whole path, and the handler. */
export type Route = readonly [
  method: string,
  path: RegExp,
  answer: (exchange: Exchange) => void | Promise<void>,
]

export interface RouteMatch {
  readonly answer: Route[2]
  readonly captured: readonly string[]
}

/**
 * @param path without query
 * @returns the first route that matches, or null
 */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch | null {
  for (const [wanted, pattern, answer] of routes) {
    const found = wanted === method ? pattern.exec(path) : null
    if (found !== null) return { answer, captured: found.slice(1) }
  }
  return null
}
