import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendJson } from '../service/json-routes.ts'

/** How discovery and JWKS fail: not at all, a cut connection, silence, status 500. */
export const OUTAGES = ['none', 'refuse', 'hang', 'error'] as const
export type Outage = (typeof OUTAGES)[number]

/** How often each endpoint was asked for since the start or the last reset, outages included. */
export interface MetadataStats {
  discovery: number
  jwks: number
}

/** Stands before discovery and JWKS: counts their fetches and takes them down on demand. */
export interface MetadataGate {
  /** @returns whether the request was for one of them during an outage, and is thereby dealt with */
  intercept(path: string, request: IncomingMessage, response: ServerResponse): boolean
  setOutage(outage: Outage): void
  stats(): Readonly<MetadataStats>
  resetStats(): void
}

const ENDPOINTS: ReadonlyMap<string, keyof MetadataStats> = new Map([
  ['/.well-known/openid-configuration', 'discovery'],
  ['/jwks', 'jwks'],
])

export function createMetadataGate(): MetadataGate {
  let outage: Outage = 'none'
  let stats: MetadataStats = { discovery: 0, jwks: 0 }
  return {
    intercept(path, request, response) {
      const endpoint = ENDPOINTS.get(path)
      if (endpoint === undefined) return false
      stats[endpoint] += 1
      if (outage === 'refuse') request.socket.destroy()
      if (outage === 'error') sendJson(response, 500, { error: 'server_error' })
      return outage !== 'none'
    },
    setOutage(next) {
      outage = next
    },
    stats: () => stats,
    resetStats() {
      stats = { discovery: 0, jwks: 0 }
    },
  }
}
