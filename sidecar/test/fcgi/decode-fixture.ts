import { TYPE } from './encode-fixture.ts'

/** A record in the bytes of a server. */
export interface SeenRecord {
  readonly type: number
  readonly id: number
  readonly content: Buffer
}

export interface SeenReply {
  readonly id: number
  readonly status: number
  /** header lines after `Status`, in order */
  readonly headers: readonly string[]
  readonly body: string
}

/** @throws {Error} on bytes that are not whole records */
export function decodeRecords(bytes: Buffer): SeenRecord[] {
  const records: SeenRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 8) throw new Error('cut off inside a header')
    if (bytes.readUInt8(at) !== 1) throw new Error('not version 1')
    const end = at + 8 + bytes.readUInt16BE(at + 4)
    if (end > bytes.length) throw new Error('cut off inside a record')
    const content = bytes.subarray(at + 8, end)
    records.push({ type: bytes.readUInt8(at + 1), id: bytes.readUInt16BE(at + 2), content })
    at = end + bytes.readUInt8(at + 6)
  }
  return records
}

/**
 * The replies in the bytes of a server, without management records.
 *
 * @throws {Error} on anything but whole replies: `Status` first and once, a blank line, an exact
 *   Content-Length, STDOUT terminated once, END_REQUEST with FCGI_REQUEST_COMPLETE
 */
export function decodeReplies(bytes: Buffer): SeenReply[] {
  const replies: SeenReply[] = []
  let stdout: Buffer[] = []
  let isTerminated = false
  for (const { type, id, content } of decodeRecords(bytes)) {
    if (id === 0) continue
    if (type === TYPE.STDOUT && !isTerminated) {
      isTerminated = content.length === 0
      stdout.push(content)
    } else if (type === TYPE.END_REQUEST && isTerminated) {
      if (!content.equals(Buffer.alloc(8))) throw new Error('not a completed request')
      replies.push(decodeHead(id, Buffer.concat(stdout)))
      stdout = []
      isTerminated = false
    } else throw new Error(`record of type ${type} where none may be`)
  }
  if (stdout.length > 0) throw new Error('a reply that does not end')
  return replies
}

function decodeHead(id: number, stdout: Buffer): SeenReply {
  const blank = stdout.indexOf('\r\n\r\n')
  const [first = '', ...headers] = stdout.toString('latin1', 0, blank).split('\r\n')
  const status = /^Status: ([2-5]\d\d)$/.exec(first)?.[1]
  if (blank < 0 || status === undefined) throw new Error('no Status line first')
  if (headers.some((line) => /^status:/i.test(line))) throw new Error('a second Status')
  const body = stdout.subarray(blank + 4)
  if (headers.at(-1) !== `Content-Length: ${body.length}`) throw new Error('wrong Content-Length')
  return { id, status: Number(status), headers: headers.slice(0, -1), body: body.toString('utf8') }
}
