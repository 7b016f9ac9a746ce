import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { parseAddress } from '../sidecar/src/domain/address.ts'

/**
 * Whether something accepts connections at `host:port` or on the unix socket at an absolute path.
 */
export function accepts(address: string): Promise<boolean> {
  const target = address.startsWith('/') ? { path: address } : parseAddress(address)
  if ('path' in target && !existsSync(target.path)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connect(target)
    const finish = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, finish(false))
    socket.once('connect', finish(true))
    socket.once('error', finish(false))
  })
}

/** Below the ports of outgoing connections: such a connection could take a chosen port first. */
const FREE_PORTS = { first: 20_000, count: 12_000 }

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FREE_PORTS.first + Math.floor(Math.random() * FREE_PORTS.count)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
