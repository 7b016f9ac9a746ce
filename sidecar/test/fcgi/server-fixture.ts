import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { AuthorizerDeps } from '../../src/fcgi/connection.ts'
import type { ProtocolErrorKind } from '../../src/fcgi/request-parser.ts'
import { createAuthorizerServer } from '../../src/fcgi/server.ts'
import { record, TYPE } from './encode-fixture.ts'

export interface Serving {
  readonly server: Server
  readonly path: string
  /** server sides of all connections so far */
  readonly sockets: readonly Socket[]
  readonly protocolErrors: readonly ProtocolErrorKind[]
  readonly failures: readonly unknown[]
}

/** An authorizer server on a unix socket until the end of the test. */
export async function serve(
  answer: AuthorizerDeps['answer'],
  limits: Partial<AuthorizerDeps['limits']> = {},
): Promise<Serving> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-fcgi-'))
  const sockets: Socket[] = []
  const protocolErrors: ProtocolErrorKind[] = []
  const failures: unknown[] = []
  const server = createAuthorizerServer({
    answer,
    observer: {
      protocolError: (kind) => protocolErrors.push(kind),
      failure: (error) => failures.push(error),
    },
    limits: { maxParamsBytes: 2_000, paramsTimeoutMs: 10_000, ...limits },
  })
  server.on('connection', (socket) => sockets.push(socket))
  const path = join(directory, 'authorizer.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
    rmSync(directory, { recursive: true })
  })
  return { server, path, sockets, protocolErrors, failures }
}

export interface Client {
  readonly socket: Socket
  /** all bytes received so far */
  received(): Buffer
  /** resolves to all received bytes once the server has ended or reset the connection */
  readonly ended: Promise<Buffer>
  /** resolves when `count` bytes have been received */
  until(count: number): Promise<Buffer>
  /** resolves when the server has answered a GET_VALUES, and so has read all earlier bytes */
  roundTrip(): Promise<void>
}

/** A client that by default goes on sending after the server has ended its side. */
export function connect(path: string): Client {
  const socket = createConnection({ path, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const chunks: Buffer[] = []
  const seen = { bytes: 0 }
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    seen.bytes += chunk.length
  })
  const received = (): Buffer => Buffer.concat(chunks)
  const ended = new Promise<Buffer>((resolve) => {
    for (const event of ['end', 'error', 'close']) socket.on(event, () => resolve(received()))
  })
  const until = async (count: number): Promise<Buffer> => {
    while (seen.bytes < count && !socket.readableEnded) await pause()
    return received()
  }
  const roundTrip = async (): Promise<void> => {
    const before = seen.bytes
    socket.write(record(TYPE.GET_VALUES, '', { id: 0 }))
    await until(before + 8)
  }
  return { socket, received, ended, until, roundTrip }
}

/** Sends `bytes`, ends the sending side, and returns all bytes of the server until its end. */
export async function exchange(path: string, bytes: Buffer): Promise<Buffer> {
  const client = connect(path)
  client.socket.end(bytes)
  return client.ended
}
