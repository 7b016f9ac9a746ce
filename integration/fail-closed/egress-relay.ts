import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands before an egress and counts what a gate sends there, authorized or not. */
export interface EgressRelay {
  /** connections so far; lighttpd makes one for each request */
  readonly requests: number
  close(): Promise<void>
}

/**
 * @param path where the gate looks for its egress
 * @param egress path of the real one
 */
export async function relayEgress(path: string, egress: string): Promise<EgressRelay> {
  const sockets = new Set<Socket>()
  const relay = {
    requests: 0,
    async close(): Promise<void> {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
  const server = createServer((socket) => {
    relay.requests += 1
    sockets.add(socket)
    const onward = connect(egress)
    socket.once('close', () => {
      sockets.delete(socket)
      onward.destroy()
    })
    for (const one of [socket, onward]) one.on('error', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  return relay
}
