/** FastCGI 1.0, section 3.3: the only version. */
export const VERSION = 1

/** Bytes of a record header. */
export const HEADER_BYTES = 8

/** The maximum content of a record; its length field has two bytes. */
export const MAX_CONTENT_BYTES = 0xffff

/** The types used here (FastCGI 1.0, section 8). */
export const RECORD_TYPE = {
  beginRequest: 1,
  abortRequest: 2,
  endRequest: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  data: 8,
  getValues: 9,
  getValuesResult: 10,
  unknownType: 11,
} as const

/** The request id of management records, which belong to no request (section 3.3). */
export const MANAGEMENT_ID = 0

/** Content bytes of BEGIN_REQUEST, END_REQUEST and UNKNOWN_TYPE. */
export const FIXED_BODY_BYTES = 8

export interface RecordHeader {
  readonly version: number
  readonly type: number
  /** 0 to 65,535; 0 is `MANAGEMENT_ID` */
  readonly requestId: number
  /** 0 to 65,535 bytes */
  readonly contentLength: number
  /** 0 to 255 ignored bytes after the content */
  readonly paddingLength: number
}

/**
 * Reads a record header (section 3.3) without checking it.
 *
 * @param bytes starts with the header; at least `HEADER_BYTES` long
 */
export function decodeHeader(bytes: Buffer): RecordHeader {
  return {
    version: bytes.readUInt8(0),
    type: bytes.readUInt8(1),
    requestId: bytes.readUInt16BE(2),
    contentLength: bytes.readUInt16BE(4),
    paddingLength: bytes.readUInt8(6),
  }
}

/**
 * Writes the header of a record without padding into `out`, which must have `HEADER_BYTES` from
 * `at`.
 *
 * @returns the index after it
 */
export function encodeHeader(
  out: Buffer,
  at: number,
  record: Pick<RecordHeader, 'type' | 'requestId' | 'contentLength'>,
): number {
  out.writeUInt8(VERSION, at)
  out.writeUInt8(record.type, at + 1)
  out.writeUInt16BE(record.requestId, at + 2)
  out.writeUInt16BE(record.contentLength, at + 4)
  return out.writeUInt16BE(0, at + 6)
}
