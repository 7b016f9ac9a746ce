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

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      )
    })
  })
}
