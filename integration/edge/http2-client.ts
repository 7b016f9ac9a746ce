import { once } from 'node:events'
import {
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { buffer } from 'node:stream/consumers'
import type { Answer, Listener } from '../harness/answer.ts'

/** An HTTP/2 connection. */
export interface Http2Client {
  sendRequest(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Answer>
  /** opens a stream whose body the caller writes and ends */
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream
  close(): void
}

const WITHIN_MS = 30_000

export async function connectHttp2({ port, ca }: Listener): Promise<Http2Client> {
  const session = connect(`https://localhost:${port}`, { ca })
  await once(session, 'remoteSettings') // says, among others, whether CONNECT may name a protocol
  const open = (headers: OutgoingHttpHeaders, endStream = false): ClientHttp2Stream => {
    const stream = session.request(headers, { endStream })
    stream.setTimeout(WITHIN_MS, () => stream.destroy(new Error('no answer within 30 s')))
    return stream
  }
  return {
    open: (headers) => open(headers),
    async sendRequest(headers, body) {
      const stream = open(headers, body === undefined)
      if (body !== undefined) stream.end(body)
      const [fields] = (await once(stream, 'response')) as [IncomingHttpHeaders]
      const bytes = await buffer(stream)
      return { status: Number(fields[':status']), headers: fields, body: bytes.toString() }
    },
    close: () => session.destroy(),
  }
}
