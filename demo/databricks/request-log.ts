import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable, Transform } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** A request as received. Texts of headers and target are latin1: one character a byte. */
export interface RecordedRequest {
  /** 1, 2, … in order of arrival */
  readonly number: number
  /** when the head was complete, milliseconds since the epoch */
  readonly receivedAtMs: number
  readonly method: string
  /** the request target, byte for byte */
  readonly target: string
  readonly httpVersion: string
  /** name and value in order, spelled as sent, duplicates kept */
  readonly headers: readonly (readonly [string, string])[]
  /** the name in the TLS handshake, null without one */
  readonly serverName: string | null
  /** 1, 2, … in order of the TLS connections */
  readonly connection: number
  readonly isUpgrade: boolean
  readonly body: RecordedBody
}

/** Measures of a body so far; the bytes are not kept. */
export interface RecordedBody {
  readonly bytes: number
  /** hex, of the bytes so far */
  readonly sha256: string
  readonly firstByteAtMs: number | null
  /** `aborted` when the connection went before its end */
  readonly state: 'arriving' | 'complete' | 'aborted'
}

/** The requests that came in, newest last; beyond `MAX_REQUESTS` the oldest go. */
export interface RequestLog {
  /** records a request now and its body while the returned stream of it is read */
  record(request: IncomingMessage, connection: number): Readable
  /** records an upgrade request, which has no body */
  recordUpgrade(request: IncomingMessage, connection: number): void
  list(): readonly RecordedRequest[]
  /** forgets everything; the numbers go on */
  clear(): void
}

export const MAX_REQUESTS = 10_000

export function createRequestLog(): RequestLog {
  let requests: RecordedRequest[] = []
  let total = 0
  const add = (request: IncomingMessage, connection: number, body: BodyTap | null): void => {
    total += 1
    if (requests.length >= MAX_REQUESTS) requests = requests.slice(1 - MAX_REQUESTS)
    requests.push({
      number: total,
      ...describeHead(request),
      connection,
      isUpgrade: body === null,
      get body() {
        return body?.describe() ?? NO_BODY
      },
    })
  }
  return {
    record(request, connection) {
      const body = tapBody(request)
      add(request, connection, body)
      return body.stream
    },
    recordUpgrade: (request, connection) => add(request, connection, null),
    list: () => requests,
    clear() {
      requests = []
    },
  }
}

function describeHead(request: IncomingMessage) {
  const { method = '', url = '', httpVersion, rawHeaders, socket } = request
  const names = rawHeaders.filter((_, index) => index % 2 === 0)
  return {
    receivedAtMs: Date.now(),
    method,
    target: url,
    httpVersion,
    headers: names.map((name, index) => [name, rawHeaders[index * 2 + 1] ?? ''] as const),
    serverName: (socket instanceof TLSSocket && socket.servername) || null,
  }
}

interface BodyTap {
  readonly stream: Readable
  describe(): RecordedBody
}

const NO_BODY: RecordedBody = {
  bytes: 0,
  sha256: createHash('sha256').digest('hex'),
  firstByteAtMs: null,
  state: 'complete',
}

/** Measures a body while the stream is read; keeps at most a buffer of the bytes. */
function tapBody(request: IncomingMessage): BodyTap {
  const hash = createHash('sha256')
  let bytes = 0
  let firstByteAtMs: number | null = null
  let state: RecordedBody['state'] = 'arriving'
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      firstByteAtMs ??= Date.now()
      bytes += chunk.length
      hash.update(chunk)
      done(null, chunk)
    },
  })
  pipeline(request, stream, (error) => {
    state = error ? 'aborted' : 'complete'
  })
  return {
    stream,
    describe: () => ({ bytes, sha256: hash.copy().digest('hex'), firstByteAtMs, state }),
  }
}
