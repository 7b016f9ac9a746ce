import {
  encodeHeader,
  FIXED_BODY_BYTES,
  HEADER_BYTES,
  MAX_CONTENT_BYTES,
  RECORD_TYPE,
} from './record.ts'

/** An authorizer's reply to a request. */
export interface Reply {
  /** 200 to 599; always written first, as three digits */
  readonly status: number
  /**
   * names are RFC 9110 tokens, values printable ASCII; `encodeReply` adds `Status` and
   * `Content-Length`
   */
  readonly headers: readonly (readonly [string, string])[]
  /** written as UTF-8 */
  readonly body: string
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PRINTABLE = /^[\x20-\x7e]*$/
const WRITERS_OWN = /^(?:status|content-length)$/i
const END_BYTES = HEADER_BYTES + HEADER_BYTES + FIXED_BODY_BYTES

/**
 * Encodes the complete reply to a request: STDOUT with status, headers and body, the end of STDOUT,
 * and END_REQUEST (FastCGI 1.0, sections 5.3, 5.5 and 6.3), to be written in one piece.
 *
 * INVARIANT: only this function writes STDOUT and END_REQUEST. lighttpd reads an END_REQUEST
 * without STDOUT, a head without `Status` and a second `Status` as 200; this function makes none of
 * them.
 *
 * @param requestId 1 to 65,535
 * @throws {RangeError} on a status outside 200 to 599 and on a header that would not be exactly
 *   one line, before a byte is made
 */
export function encodeReply(requestId: number, reply: Reply): Buffer {
  const bodyBytes = Buffer.byteLength(reply.body)
  const head = encodeHead(reply, bodyBytes)
  const contentBytes = head.length + bodyBytes
  const records = Math.ceil(contentBytes / MAX_CONTENT_BYTES)
  const contentStart = records * HEADER_BYTES
  const out = Buffer.allocUnsafe(contentStart + contentBytes + END_BYTES)
  out.write(head, contentStart, 'latin1')
  out.write(reply.body, contentStart + head.length, 'utf8')
  const at = splitContent(out, requestId, { start: contentStart, end: contentStart + contentBytes })
  encodeEnd(out, at, requestId)
  return out
}

/** The head is ASCII, so latin1 writes a byte per char. */
function encodeHead(reply: Reply, bodyBytes: number): string {
  if (!Number.isInteger(reply.status) || reply.status < 200 || reply.status > 599) {
    throw new RangeError('the status of a reply is not between 200 and 599')
  }
  let head = `Status: ${reply.status}\r\n`
  for (const [name, value] of reply.headers) {
    if (!TOKEN.test(name) || WRITERS_OWN.test(name))
      throw new RangeError('bad header name in a reply')
    if (!PRINTABLE.test(value)) throw new RangeError(`the value of ${name} is not printable ASCII`)
    head += `${name}: ${value}\r\n`
  }
  return `${head}Content-Length: ${bodyBytes}\r\n\r\n`
}

/**
 * Splits the content at the end of `out` into records. `out` has room for the headers in front:
 * each slice moves left past the headers still to come, and the last slice stays in place.
 *
 * @returns the index after the last record
 */
function splitContent(
  out: Buffer,
  requestId: number,
  content: { readonly start: number; readonly end: number },
): number {
  let at = 0
  for (let from = content.start; from < content.end; from += MAX_CONTENT_BYTES) {
    const contentLength = Math.min(MAX_CONTENT_BYTES, content.end - from)
    at = encodeHeader(out, at, { type: RECORD_TYPE.stdout, requestId, contentLength })
    out.copyWithin(at, from, from + contentLength)
    at += contentLength
  }
  return at
}

function encodeEnd(out: Buffer, at: number, requestId: number): void {
  const end = encodeHeader(out, at, { type: RECORD_TYPE.stdout, requestId, contentLength: 0 })
  const status = encodeHeader(out, end, {
    type: RECORD_TYPE.endRequest,
    requestId,
    contentLength: FIXED_BODY_BYTES,
  })
  out.fill(0, status) // application status 0, FCGI_REQUEST_COMPLETE
}
