import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { issueCertificate } from '../fail-closed/certificates.ts'
import type { Settings } from './egress.ts'

/** A workspace that answers with bytes of a test's choice, one request a connection. */
export interface RawWorkspace {
  /** answers the next requests, called after the head of each */
  answer: (socket: TLSSocket) => void
  /** heads of the requests so far */
  readonly requests: readonly string[]
  /** settings with which an egress reaches the workspace */
  readonly settings: Settings
  /** ends the connection of one of its requests with a reset */
  reset(socket: TLSSocket): void
  close(): void
}

const NAME = 'workspace.example'

export async function startRawWorkspace(): Promise<RawWorkspace> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-workspace-'))
  const { cert, key, ca } = await issueCertificate(directory, { name: NAME })
  const requests: string[] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    socket.on('data', (head) => {
      requests.push(head.toString('latin1'))
      workspace.answer(socket)
    })
  })
  const connections = new Map<number | undefined, Socket>()
  server.on('connection', (socket: Socket) => connections.set(socket.remotePort, socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const workspace = {
    answer: (socket: TLSSocket): void => void socket.destroy(),
    requests,
    settings: {
      BRICKGATE_WORKSPACE_HOST: NAME,
      BRICKGATE_WORKSPACE_ADDRESS: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      BRICKGATE_WORKSPACE_CA: ca,
    },
    reset: (socket: TLSSocket) => connections.get(socket.remotePort)?.resetAndDestroy(),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      rmSync(directory, { recursive: true })
    },
  }
  return workspace
}
