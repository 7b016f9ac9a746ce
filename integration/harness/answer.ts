import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'

/** An HTTP/1.1 answer, read whole. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How to reach one listener of an edge. */
export interface Listener {
  readonly port: number
  /** PEM of the CA */
  readonly ca: string
}

export interface Outgoing {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** such as `127.0.0.2`, for a client of another address */
  readonly localAddress?: string
}

/** Sends a request on a new connection. */
export function send(to: Listener, path: string, outgoing: Outgoing = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, localAddress } = outgoing
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port: to.port,
        ca: to.ca,
        path,
        method,
        agent: false,
        headers: { host: `localhost:${to.port}`, ...headers } as Record<string, string | string[]>,
        ...(localAddress === undefined ? {} : { localAddress }),
      },
      (response) => {
        buffer(response).then(
          (bytes) =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: bytes.toString('utf8'),
            }),
          reject,
        )
      },
    )
    sent.setTimeout(30_000, () => sent.destroy(new Error('no answer within 30 s')))
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Opens a TLS connection for bytes that no HTTP library would send. */
export function openRaw(to: Listener, localAddress?: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port: to.port,
        ca: to.ca,
        ALPNProtocols: ['http/1.1'],
        ...(localAddress === undefined ? {} : { localAddress }),
      },
      () => resolve(socket),
    )
    socket.once('error', reject)
  })
}

/** Sends bytes as they are and reads until the gateway closes, so they must ask for that. */
export async function sendRaw(to: Listener, bytes: string): Promise<string> {
  const socket = await openRaw(to)
  socket.setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')))
  socket.write(bytes, 'latin1')
  return (await buffer(socket)).toString('latin1')
}
