import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { hasAllParams } from './fastcgi.ts'

/**
 * The way in which an authorizer treats a request: `resets` closes the connection without reading.
 * A function gets lighttpd's paused connection and the records so far, with all PARAMS.
 */
export type Behaviour = 'resets' | Answering

export type Answering = (socket: Socket, request: Buffer) => void

/** After which lighttpd has written its request. */
const WRITTEN_AFTER_MS = 50

/** An authorizer that a test puts in place of the sidecar. */
export interface TestAuthorizer {
  behave: Behaviour
  /** how many requests it was asked about */
  readonly asked: number
  close(): Promise<void>
}

/** Serves a unix socket on which lighttpd looks for an authorizer. */
export async function serveAuthorizer(path: string, behave: Behaviour): Promise<TestAuthorizer> {
  const authorizer = { behave, asked: 0, close }
  const sockets = new Set<Socket>()
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy()) // lighttpd closes without reading to the end
    const { behave } = authorizer
    // closing a unix socket with unread bytes resets it
    if (behave === 'resets') return void setTimeout(() => socket.destroy(), WRITTEN_AFTER_MS)
    let request = Buffer.alloc(0)
    const collect = (chunk: Buffer): void => {
      request = Buffer.concat([request, chunk])
      if (!hasAllParams(request)) return
      socket.off('data', collect)
      socket.pause()
      authorizer.asked += 1
      behave(socket, request)
    }
    socket.on('data', collect).resume()
  })
  async function close(): Promise<void> {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  server.listen(path)
  await once(server, 'listening')
  return authorizer
}

/** A behaviour that leaves the request to the sidecar behind this socket. */
export function forwardToSidecar(path: string): Answering {
  return (socket, request) => {
    const sidecar = connect(path)
    sidecar.on('error', () => socket.destroy())
    socket.once('close', () => sidecar.destroy())
    sidecar.write(request)
    socket.pipe(sidecar).pipe(socket)
  }
}

/** A behaviour that can be kept from beginning. */
export interface HeldBehaviour {
  readonly behave: Answering
  /** lets the requests that wait begin, and all later ones */
  release(): void
}

export function hold(behaviour: Answering): HeldBehaviour {
  let waiting: (() => void)[] | null = []
  return {
    behave(socket, request) {
      if (waiting === null) behaviour(socket, request)
      else waiting.push(() => behaviour(socket, request))
    },
    release() {
      for (const begin of waiting ?? []) begin()
      waiting = null
    },
  }
}
