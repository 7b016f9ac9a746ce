import type { Exchange } from './exchange.ts'

const CALL = 0x80010001
const REPLY = 0x80010002
const MAX_HEAD_BYTES = 256

/**
 * Answers a TBinaryProtocol call (strict encoding) with the smallest reply there is: the call's own
 * method name and sequence id, and an empty result. Anything else gets 400 and the driver's error
 * header.
 */
export async function answerThrift({ response, body }: Exchange): Promise<void> {
  const reply = describeReply(await readStart(body))
  if (reply === null) response.setHeader('x-thriftserver-error-message', 'not a Thrift call')
  response.writeHead(reply === null ? 400 : 200, { 'Content-Type': 'application/x-thrift' })
  response.end(reply)
}

async function readStart(body: AsyncIterable<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0)
  for await (const chunk of body) {
    const missing = MAX_HEAD_BYTES - start.length
    if (missing > 0) start = Buffer.concat([start, chunk.subarray(0, missing)])
  }
  return start
}

/** Version and type, name length, name, sequence id, and the stop byte of an empty struct. */
function describeReply(start: Buffer): Buffer | null {
  if (start.length < 12 || start.readUInt32BE(0) !== CALL) return null
  const headBytes = 4 + 4 + start.readUInt32BE(4) + 4
  if (headBytes > start.length) return null
  const reply = Buffer.alloc(headBytes + 1)
  start.copy(reply, 0, 0, headBytes)
  reply.writeUInt32BE(REPLY, 0)
  return reply
}
