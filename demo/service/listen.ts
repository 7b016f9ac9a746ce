import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Server as NetServer } from 'node:net'

/**
 * In a container, 127.0.0.1 is reachable only from inside; the engine publishes ports of other
 * addresses.
 */
const ADDRESS = process.env['BRICKGATE_SERVICE_ADDRESS'] ?? '127.0.0.1'

/**
 * Starts `server` on 127.0.0.1, the only address any of these services binds outside a container.
 *
 * @param port 0 takes a free one
 * @returns the port it listens on
 */
export async function listen(server: NetServer, port: number): Promise<number> {
  server.listen(port, ADDRESS)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return address.port
}

const HANDSHAKE_MS = 50

/** Stops listening and ends every HTTP connection at once, also those with a request under way. */
export async function closeServer(server: HttpServer | HttpsServer): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  // a connection in its handshake becomes an HTTP connection only later
  const again = setInterval(() => server.closeAllConnections(), HANDSHAKE_MS)
  await closed
  clearInterval(again)
}
