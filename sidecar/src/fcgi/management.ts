import type { Params } from './params.ts'
import {
  encodeHeader,
  FIXED_BODY_BYTES,
  HEADER_BYTES,
  MANAGEMENT_ID,
  RECORD_TYPE,
} from './record.ts'

const MPXS_CONNS = 'FCGI_MPXS_CONNS'
const NOTHING_KNOWN = managementRecord(RECORD_TYPE.getValuesResult, Buffer.alloc(0))
const NO_MULTIPLEXING = managementRecord(
  RECORD_TYPE.getValuesResult,
  Buffer.from(`${String.fromCharCode(MPXS_CONNS.length, 1)}${MPXS_CONNS}0`, 'latin1'),
)

/**
 * Answers GET_VALUES (FastCGI 1.0, section 4.1). The only value is that multiplexing is not
 * supported; limits of connections and requests are unknown here and left out.
 *
 * @returns a whole, shared record; callers must not write into it
 */
export function getValuesResult(query: Params): Buffer {
  return query.get(MPXS_CONNS) === null ? NOTHING_KNOWN : NO_MULTIPLEXING
}

/** Answers a management record of an unknown type (section 4.2) with a whole record. */
export function unknownType(type: number): Buffer {
  return managementRecord(RECORD_TYPE.unknownType, Buffer.alloc(FIXED_BODY_BYTES).fill(type, 0, 1))
}

function managementRecord(type: number, content: Buffer): Buffer {
  const out = Buffer.alloc(HEADER_BYTES + content.length)
  const at = encodeHeader(out, 0, {
    type,
    requestId: MANAGEMENT_ID,
    contentLength: content.length,
  })
  content.copy(out, at)
  return out
}
