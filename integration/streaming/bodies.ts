import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import type { Listener, Outgoing } from '../harness/answer.ts'
import { MIB } from './memory.ts'

/** 100 MB of the simulator's pattern: byte `i` is `i % 251`. */
export const LARGE_BYTES: number = 100 * MIB

const BLOCK = Buffer.from(Array.from({ length: 251 * 256 }, (_, index) => index % 251))

export function largeBody(bytes: number = LARGE_BYTES): Readable {
  return Readable.from(blocks(bytes))
}

export function sha256OfLarge(): string {
  const hash = createHash('sha256')
  for (const block of blocks(LARGE_BYTES)) hash.update(block)
  return hash.digest('hex')
}

function* blocks(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    yield BLOCK.subarray(0, Math.min(left, BLOCK.length))
  }
}

/** Opens a request whose body, and whose answer's body, the caller streams. */
export function open(to: Listener, path: string, outgoing: Omit<Outgoing, 'body'>): ClientRequest {
  return request({
    host: '127.0.0.1',
    servername: 'localhost',
    port: to.port,
    ca: to.ca,
    path,
    method: outgoing.method ?? 'GET',
    agent: false,
    headers: {
      host: `localhost:${to.port}`,
      ...(outgoing.headers as Record<string, string>),
    },
  })
}

/** The answer to an opened request, its body unread. */
export function answered(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.setTimeout(60_000, () => sent.destroy(new Error('no answer within 60 s')))
    sent.once('response', resolve)
    sent.once('error', reject)
  })
}
