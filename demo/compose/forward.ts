import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

/** A port here, and what stands behind it. */
export interface Door {
  readonly port: number
  readonly host: string
  readonly hostPort: number
}

/** Opens TCP doors to other containers. @param address where, such as `127.0.0.1` */
export async function openDoors(doors: readonly Door[], address: string): Promise<void> {
  await Promise.all(
    doors.map(async ({ port, host, hostPort }) => {
      const server = createServer({ allowHalfOpen: true }, (caller) => {
        const behind = connect({ host, port: hostPort, allowHalfOpen: true })
        pipeline(caller, behind, () => behind.destroy())
        pipeline(behind, caller, () => caller.destroy())
      })
      server.listen(port, address)
      await once(server, 'listening')
    }),
  )
}
