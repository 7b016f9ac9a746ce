import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { sendJson } from '../service/json.ts'
import type { Exchange, Route } from './exchange.ts'

const PREFIX = '/driver-proxy-api/o/\\d+/[\\w-]+/\\d+'
const MAX_MESSAGE_BYTES = 1024 * 1024
const MAX_POLL_SECONDS = 600

/** A program on a cluster: `…/poll?seconds=20` answers after that time. */
export const driverProxyRoutes: readonly Route[] = [['GET', new RegExp(`^${PREFIX}/poll$`), poll]]

async function poll({ response, query, gone }: Exchange): Promise<void> {
  const seconds = Math.min(Number(query.get('seconds')) || 0, MAX_POLL_SECONDS)
  await sleep(seconds * 1000, undefined, { signal: gone })
  sendJson(response, 200, { waited_seconds: seconds })
}

/** Echoes every message of the WebSockets under `/driver-proxy-api/`. */
export interface WebSocketEcho {
  accepts(path: string): boolean
  /** takes over a connection whose path it accepts */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** ends every connection at once */
  close(): void
}

export function createWebSocketEcho(): WebSocketEcho {
  const pattern = new RegExp(`^${PREFIX}/`)
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  return {
    accepts: (path) => pattern.test(path),
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (connection) => {
        connection.on('message', (message, isBinary) => {
          connection.send(message, { binary: isBinary })
        })
        // A broken frame closes the connection; there is nothing else to do about it.
        connection.on('error', () => connection.terminate())
      })
    },
    close() {
      for (const connection of server.clients) connection.terminate()
    },
  }
}
