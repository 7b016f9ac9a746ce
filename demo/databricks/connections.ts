import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

export interface ConnectionStats {
  /** TLS connections established since the start */
  readonly opened: number
  readonly open: number
  /**
   * connections that never finished their handshake, such as with a client that does not trust us
   */
  readonly failedHandshakes: number
  /** bytes inside TLS that were no HTTP request; the request log does not have these */
  readonly malformedRequests: number
}

/** Numbers and counts the TLS connections of a server. */
export interface Connections {
  /** @returns 0 for a socket that is none of the server's */
  numberOf(socket: Duplex): number
  stats(): ConnectionStats
}

export function trackConnections(server: Server): Connections {
  const numbers = new WeakMap<Duplex, number>()
  const stats = { opened: 0, open: 0, failedHandshakes: 0, malformedRequests: 0 }
  server.on('secureConnection', (socket: TLSSocket) => {
    stats.opened += 1
    stats.open += 1
    numbers.set(socket, stats.opened)
    socket.once('close', () => {
      stats.open -= 1
    })
  })
  server.on('tlsClientError', () => {
    stats.failedHandshakes += 1
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code?.startsWith('HPE_')) stats.malformedRequests += 1
    socket.destroy()
  })
  return { numberOf: (socket) => numbers.get(socket) ?? 0, stats: () => ({ ...stats }) }
}
