import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { listen } from '../../demo/service/listen.ts'

/** The way from one sidecar to Redis, which can be cut while others go on. */
export interface CutNetwork {
  readonly port: number
  /** connections stay open, nothing gets through */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** @param port of the Redis on 127.0.0.1 */
export async function startCutNetwork(port: number): Promise<CutNetwork> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(from)
      if (isCut) from.pause()
      from.on('data', (chunk) => to.write(chunk))
      from.on('error', () => to.destroy())
      from.once('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  return {
    port: await listen(server, 0),
    cut() {
      isCut = true
      for (const socket of sockets) socket.pause()
    },
    mend() {
      isCut = false
      for (const socket of sockets) socket.resume()
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
