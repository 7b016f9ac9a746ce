import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { listen } from '../../demo/service/listen.ts'

/**
 * How a connection fares. `cut`: it is closed. `hold`: it stays open and its bytes wait, as in a
 * network that is torn, and arrive when it passes again. A delay puts off every byte of both ways.
 */
export type Fate = 'pass' | 'cut' | 'hold' | { readonly delayMs: number }

/**
 * A proxy before a Redis, on 127.0.0.1, that distinguishes connections for invalidations from
 * connections for commands.
 */
export interface FaultProxy {
  readonly port: number
  /** decides on the connections that hear invalidations, those that are there and those to come */
  setFate(fate: Fate): void
  /** closes the connections for invalidations, and lets new ones pass */
  cutOnce(): void
  /**
   * Gives each of these another connection to Redis, which is subscribed as the one before and
   * knows nothing else of it: what an address that moves to another server does.
   */
  replaceSilently(): void
  /** how many connections hear invalidations now */
  readonly tracking: number
  close(): Promise<void>
}

interface Link {
  readonly client: Socket
  server: Socket
  isTracking: boolean
  /** writes that wait, in order, each with the `performance.now()` from which it may go */
  held: readonly { readonly send: () => void; readonly dueMs: number }[]
}

const SUBSCRIBE = Buffer.from('*2\r\n$9\r\nSUBSCRIBE\r\n$20\r\n__redis__:invalidate\r\n')
const SUBSCRIBED = Buffer.from('*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n')
const HEARS_INVALIDATIONS = /\r\n(?:TRACKING|SUBSCRIBE)\r\n/i

function delayOf(fate: Fate): number {
  if (typeof fate === 'object') return fate.delayMs
  return fate === 'hold' ? Number.POSITIVE_INFINITY : 0
}

/** @param port of the Redis on 127.0.0.1, which need not be there yet */
export async function startFaultProxy(port: number): Promise<FaultProxy> {
  const links = new Set<Link>()
  let fate: Fate = 'pass'
  const server = createServer((client) => {
    const link: Link = { client, server: connect(port, '127.0.0.1'), isTracking: false, held: [] }
    links.add(link)
    client.setNoDelay()
    client.on('error', () => client.destroy())
    client.once('close', () => {
      links.delete(link)
      link.server.destroy()
    })
    client.on('data', (chunk) => {
      link.isTracking ||= HEARS_INVALIDATIONS.test(chunk.toString('latin1'))
      forward(link, () => link.server.write(chunk))
    })
    attach(link)
  })

  /** Forwards the bytes of the link's server. */
  function attach(link: Link): void {
    const { server } = link
    server.setNoDelay()
    server.on('error', () => server.destroy())
    server.on('data', (chunk) => forward(link, () => link.client.write(chunk)))
    server.once('close', () => {
      if (link.server === server) link.client.destroy()
    })
  }

  function forward(link: Link, send: () => void): void {
    if (link.isTracking && fate === 'cut') return void link.client.destroy()
    const delayMs = link.isTracking ? delayOf(fate) : 0
    link.held = [...link.held, { send, dueMs: performance.now() + delayMs }]
    drain(link)
  }

  function drain(link: Link): void {
    for (let [next] = link.held; next !== undefined; [next] = link.held) {
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        if (Number.isFinite(waitMs)) setTimeout(() => drain(link), waitMs)
        return
      }
      link.held = link.held.slice(1)
      next.send()
    }
  }

  function tracking(): Link[] {
    return [...links].filter((link) => link.isTracking)
  }

  return {
    port: await listen(server, 0),
    setFate(next) {
      fate = next
      for (const link of tracking()) {
        if (fate === 'cut') link.client.destroy()
        if (fate !== 'pass') continue
        link.held = link.held.map(({ send }) => ({ send, dueMs: 0 }))
        drain(link)
      }
    },
    cutOnce() {
      for (const link of tracking()) link.client.destroy()
    },
    replaceSilently() {
      for (const link of tracking()) {
        const before = link.server
        link.server = connect(port, '127.0.0.1')
        link.server.write(SUBSCRIBE) // before the client's next bytes
        link.server.on('error', () => link.client.destroy())
        before.removeAllListeners('data')
        before.destroy()
        link.server.once('data', (chunk) => {
          attach(link)
          // without the answer to the command that the client did not send
          forward(link, () => link.client.write(chunk.subarray(SUBSCRIBED.length)))
        })
      }
    },
    get tracking() {
      return tracking().length
    },
    async close() {
      server.close()
      for (const { client } of links) client.destroy()
      await once(server, 'close')
    },
  }
}
