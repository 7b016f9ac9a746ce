import { connect } from 'node:tls'
import type { Listener } from '../harness/answer.ts'

/** Frame types (RFC 9113 section 6). */
const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const GOAWAY = 7
const CONTINUATION = 9

const END_STREAM = 1
const END_HEADERS = 4
const MAX_PAYLOAD = 16_384
const STREAM = 1
const WITHIN_MS = 10_000

/**
 * Names and values in order, pseudo-headers first unless a test wants them elsewhere; one char a
 * byte.
 */
export type Fields = readonly (readonly [string, string])[]

/** The start of a connection: preface and empty SETTINGS (RFC 9113 section 3.4). */
export const PREFACE: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(SETTINGS, 0, Buffer.alloc(0), 0),
])

/**
 * A request's headers in as many frames as they need.
 *
 * @param isLast whether no body follows
 */
export function headersFrames(fields: Fields, isLast: boolean): Buffer {
  const parts = split(Buffer.concat(fields.map(literalField)))
  return Buffer.concat(
    parts.map((part, at) => {
      const ends = at === parts.length - 1 ? END_HEADERS : 0
      if (at > 0) return frame(CONTINUATION, ends, part)
      return frame(HEADERS, isLast ? ends | END_STREAM : ends, part)
    }),
  )
}

/**
 * A body in as many frames as it needs.
 *
 * @param isLast whether no trailers follow
 */
export function dataFrames(body: Buffer, isLast: boolean = true): Buffer {
  const parts = split(body)
  return Buffer.concat(
    parts.map((part, at) => frame(DATA, isLast && at === parts.length - 1 ? END_STREAM : 0, part)),
  )
}

/** How a server answered: with a response, or with an error of the stream or of the connection. */
export interface FramedAnswer {
  readonly ending: 'response' | 'stream error' | 'connection error'
  /** of a response */
  readonly body: string
}

/** Sends packets one by one on a connection of their own, and reads the answer on stream 1. */
export function exchangeFrames(
  { port, ca }: Listener,
  packets: readonly Buffer[],
  gapMs: number = 0,
): Promise<FramedAnswer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const timer = setTimeout(() => finish(null), WITHIN_MS)
    const socket = connect(
      { host: '127.0.0.1', servername: 'localhost', port, ca, ALPNProtocols: ['h2'] },
      () => void sendAll(),
    )
    const finish = (answer: FramedAnswer | null): void => {
      clearTimeout(timer)
      socket.destroy()
      if (answer === null) reject(new Error('no answer within 10 s'))
      else resolve(answer)
    }
    async function sendAll(): Promise<void> {
      for (const packet of packets) {
        socket.write(packet)
        if (gapMs > 0) await new Promise((continued) => setTimeout(continued, gapMs))
      }
    }
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const answer = readAnswer(received)
      if (answer !== null) finish(answer)
    })
    socket.once('error', () => undefined) // a 'close' follows
    socket.once('close', () => finish({ ending: 'connection error', body: '' }))
  })
}

/** @returns null while the answer on stream 1 is incomplete */
function readAnswer(bytes: Buffer): FramedAnswer | null {
  let body = ''
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) return null
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5)
    const isOurs = bytes.readUInt32BE(at + 5) === STREAM
    if (type === GOAWAY) return { ending: 'connection error', body }
    if (isOurs && type === RST_STREAM) return { ending: 'stream error', body }
    if (isOurs && type === DATA) body += bytes.toString('utf8', at + 9, end)
    const isEnd = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0
    if (isOurs && isEnd) return { ending: 'response', body }
    at = end
  }
  return null
}

function frame(type: number, flags: number, payload: Buffer, stream: number = STREAM): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function split(bytes: Buffer): readonly Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / MAX_PAYLOAD))
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * MAX_PAYLOAD, (at + 1) * MAX_PAYLOAD),
  )
}

/** A literal field without indexing and without Huffman coding (RFC 7541 section 6.2.2). */
function literalField([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.from([0]), literalText(name), literalText(value)])
}

function literalText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([Buffer.from(prefixedLength(bytes.length)), bytes])
}

/** An integer with a prefix of 7 bits (RFC 7541 section 5.1). */
function prefixedLength(length: number): readonly number[] {
  if (length < 127) return [length]
  const rest: number[] = []
  let left = length - 127
  for (; left >= 128; left >>= 7) rest.push((left & 127) | 128)
  return [127, ...rest, left]
}
