import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendJson } from '../service/json.ts'

/** How an endpoint fails: not at all, a cut connection, silence, status 500. */
export const OUTAGES = ['none', 'refuse', 'hang', 'error'] as const
export type Outage = (typeof OUTAGES)[number]

/** How often each endpoint was asked for since the start or the last reset, outages included. */
export interface EndpointStats {
  discovery: number
  jwks: number
  token: number
}

/** The endpoints that an outage of metadata takes down together. */
const METADATA = ['discovery', 'jwks'] as const

/**
 * A gate before discovery, JWKS and token endpoint that counts requests, and takes endpoints down
 * on demand.
 */
export interface EndpointGate {
  /**
   * @returns whether the request was for one of them during an outage, and is thereby dealt with
   */
  intercept(path: string, request: IncomingMessage, response: ServerResponse): boolean
  /** of discovery and JWKS */
  setOutage(outage: Outage): void
  setTokenOutage(outage: Outage): void
  stats(): Readonly<EndpointStats>
  resetStats(): void
}

const ENDPOINTS: ReadonlyMap<string, keyof EndpointStats> = new Map([
  ['/.well-known/openid-configuration', 'discovery'],
  ['/jwks', 'jwks'],
  ['/token', 'token'],
])

export function createEndpointGate(): EndpointGate {
  const outages: Record<keyof EndpointStats, Outage> = {
    discovery: 'none',
    jwks: 'none',
    token: 'none',
  }
  let stats: EndpointStats = { discovery: 0, jwks: 0, token: 0 }
  return {
    intercept(path, request, response) {
      const endpoint = ENDPOINTS.get(path)
      if (endpoint === undefined) return false
      stats[endpoint] += 1
      const outage = outages[endpoint]
      if (outage === 'refuse') request.socket.destroy()
      if (outage === 'error') sendJson(response, 500, { error: 'server_error' })
      return outage !== 'none'
    },
    setOutage(next) {
      for (const endpoint of METADATA) outages[endpoint] = next
    },
    setTokenOutage(next) {
      outages.token = next
    },
    stats: () => stats,
    resetStats() {
      stats = { discovery: 0, jwks: 0, token: 0 }
    },
  }
}
