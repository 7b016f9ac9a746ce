/**
 * Writes one FastCGI record (FastCGI 1.0, section 3.3) without padding.
 *
 * @param content at most 65,535 bytes
 */
export function record(type: number, content: Buffer, requestId = 1): Buffer {
  const header = Buffer.from([1, type, 0, 0, 0, 0, 0, 0])
  header.writeUInt16BE(requestId, 2)
  header.writeUInt16BE(content.length, 4)
  return Buffer.concat([header, content])
}

const MAX_CONTENT_BYTES = 0xffff

/** `text` (latin1) as STDOUT records; no text makes no record. */
export function stdout(text: string, requestId = 1): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; at += MAX_CONTENT_BYTES) {
    records.push(record(6, bytes.subarray(at, at + MAX_CONTENT_BYTES), requestId))
  }
  return Buffer.concat(records)
}

export function stderr(text: string): Buffer {
  return record(7, Buffer.from(text, 'latin1'))
}

/** END_REQUEST (section 5.5). */
export function end({ appStatus = 0, protocolStatus = 0, requestId = 1 } = {}): Buffer {
  const content = Buffer.alloc(8)
  content.writeUInt32BE(appStatus, 0)
  content.writeUInt8(protocolStatus, 4)
  return record(3, content, requestId)
}

/**
 * Whether what a web server sent so far has the empty PARAMS record, after which it wants its
 * reply.
 */
export function hasAllParams(sent: Buffer): boolean {
  for (let at = 0; at + 8 <= sent.length; ) {
    const contentLength = sent.readUInt16BE(at + 4)
    if (sent[at + 1] === 4 && contentLength === 0) return true
    at += 8 + contentLength + sent.readUInt8(at + 6)
  }
  return false
}
