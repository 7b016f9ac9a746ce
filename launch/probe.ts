import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** Whether something accepts connections at `host:port` or on the unix socket at an absolute path. */
export function accepts(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':')
  const target = address.startsWith('/')
    ? { path: address }
    : { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
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

/** Below what the kernel gives to outgoing connections, or one of these could take the port first. */
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
