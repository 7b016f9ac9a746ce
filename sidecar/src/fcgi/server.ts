import { createServer, type Server } from 'node:net'
import { type AuthorizerDeps, Connection, TICKS_ALLOWED } from './connection.ts'

/**
 * A FastCGI 1.0 application in the AUTHORIZER role, not listening yet. It answers after the empty
 * PARAMS record, because lighttpd may never end the STDIN of a request with a body.
 *
 * `close()` lets open requests finish; idle kept connections end with the next timeout.
 */
export function createAuthorizerServer(deps: AuthorizerDeps): Server {
  const connections = new Set<Connection>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = new Connection(socket, deps)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  })
  server.on('listening', () => {
    // a single timer for all, counted in ticks: a stalled event loop must not time out its waiting
    // peers
    const tick = (): void => connections.forEach((connection) => connection.tick())
    const timer = setInterval(tick, deps.limits.paramsTimeoutMs / TICKS_ALLOWED).unref()
    server.once('close', () => clearInterval(timer))
  })
  return server
}
