import { Client, type Dispatcher, Pool } from 'undici'
import type { Listener } from './answer.ts'

/** The outcome of a request. */
export interface Reply {
  /**
   * `performance.now()` when its head was written to the connection, waiting for a free one not
   * counted
   */
  readonly sentMs: number
  /** `performance.now()` when its answer was there whole, or the connection had broken */
  readonly answeredMs: number
  /** 0 when the connection broke */
  readonly status: number
  readonly retryAfter: string | null
  /** text of the answer, or of the error */
  readonly body: string
}

/** Keep-alive connections over TLS to one listener, for as many requests as its clients send. */
export interface KeptConnections {
  /**
   * GETs a path; never rejects. When a kept connection closes before anything of the answer came,
   * the request is sent once more, as clients do (RFC 9112 section 9.3.1): a server that restarts
   * closes idle ones. The second attempt makes a connection of its own, because other idle ones may
   * be about to close, too.
   */
  get(path: string, credential: string): Promise<Reply>
  close(): Promise<void>
}

/** @param atMost so many connections, opened as they are needed; further requests wait */
export function keepConnections({ port, ca }: Listener, atMost: number): KeptConnections {
  const origin = `https://127.0.0.1:${port}`
  const options = { allowH2: false, connect: { ca, servername: 'localhost' } }
  const pool = new Pool(origin, { ...options, connections: atMost })
  return {
    get: async (path, credential) => {
      const headers = { host: `localhost:${port}`, authorization: `Bearer ${credential}` }
      const request = { path, method: 'GET', headers } as const
      const { isUnanswered, ...first } = await reply(pool, request)
      if (!isUnanswered) return first
      const anew = new Client(origin, options)
      const { isUnanswered: _, ...second } = await reply(anew, request)
      await anew.close()
      return second
    },
    close: () => pool.destroy(),
  }
}

type Attempt = Reply & {
  /** whether the connection closed before anything of the answer came */
  readonly isUnanswered: boolean
}

function reply(pool: Dispatcher, request: Dispatcher.DispatchOptions): Promise<Attempt> {
  return new Promise((resolve) => {
    let sentMs = performance.now()
    let head: Pick<Reply, 'status' | 'retryAfter'> = { status: 0, retryAfter: null }
    const chunks: Buffer[] = []
    const end = (body: string, isUnanswered = false): void =>
      resolve({ sentMs, answeredMs: performance.now(), ...head, body, isUnanswered })
    pool.dispatch(request, {
      onRequestStart: () => {
        // INVARIANT: told right before the head is written, so that no request seems older than it
        // is
        sentMs = performance.now()
      },
      onResponseStart: (_controller, status, headers) => {
        const retryAfter = headers['retry-after']
        head = { status, retryAfter: retryAfter === undefined ? null : String(retryAfter) }
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => end(Buffer.concat(chunks).toString()),
      onResponseError: (_controller, error) => {
        const isUnanswered = head.status === 0 && /other side closed|ECONNRESET/.test(error.message)
        head = { status: 0, retryAfter: null }
        end(error.message, isUnanswered)
      },
    })
  })
}
