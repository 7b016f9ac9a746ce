import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

/** A port of this container, and the host and port of the container that serves it. */
export interface ForwardedPort {
  readonly port: number
  readonly host: string
  readonly hostPort: number
}

/**
 * Forwards TCP connections to other containers.
 *
 * @param address address to listen on, such as `127.0.0.1`
 */
export async function forwardPorts(
  ports: readonly ForwardedPort[],
  address: string,
): Promise<void> {
  await Promise.all(
    ports.map(async ({ port, host, hostPort }) => {
      const server = createServer({ allowHalfOpen: true }, (caller) => {
        const upstream = connect({ host, port: hostPort, allowHalfOpen: true })
        pipeline(caller, upstream, () => upstream.destroy())
        pipeline(upstream, caller, () => caller.destroy())
      })
      server.listen(port, address)
      await once(server, 'listening')
    }),
  )
}
