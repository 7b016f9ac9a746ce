/**
 * The client side of FastCGI 1.0 for tests, written apart from the code under test and able to send
 * malformed bytes. Text is latin1: a char per byte.
 */

/** Record types (section 8), all of them. */
export const TYPE = {
  BEGIN_REQUEST: 1,
  ABORT_REQUEST: 2,
  END_REQUEST: 3,
  PARAMS: 4,
  STDIN: 5,
  STDOUT: 6,
  STDERR: 7,
  DATA: 8,
  GET_VALUES: 9,
  GET_VALUES_RESULT: 10,
  UNKNOWN_TYPE: 11,
} as const

export const ROLE = { RESPONDER: 1, AUTHORIZER: 2, FILTER: 3 } as const

export type Pairs = readonly (readonly [name: string, value: string])[]

export interface RecordOptions {
  readonly id?: number
  readonly version?: number
  readonly padding?: number
}

/** A record; `content` of at most 65,535 bytes. */
export function record(
  type: number,
  content: Uint8Array | string = '',
  options: RecordOptions = {},
): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const { id = 1, version = 1, padding = 0 } = options
  const header = [
    version,
    type,
    id >> 8,
    id & 255,
    bytes.length >> 8,
    bytes.length & 255,
    padding,
    0,
  ]
  return Buffer.concat([Buffer.from(header), bytes, Buffer.alloc(padding, 0xee)])
}

export interface BeginOptions extends RecordOptions {
  readonly role?: number
  readonly flags?: number
}

export function beginRequest(options: BeginOptions = {}): Buffer {
  const { role = ROLE.AUTHORIZER, flags = 0 } = options
  const body = [role >> 8, role & 255, flags, 0, 0, 0, 0, 0]
  return record(TYPE.BEGIN_REQUEST, Buffer.from(body), options)
}

/** A length of section 3.4; `long` always writes four bytes. */
export function pairLength(length: number, long = length > 127): Buffer {
  if (!long) return Buffer.from([length])
  const out = Buffer.alloc(4)
  out.writeUInt32BE((length | 0x80000000) >>> 0)
  return out
}

export function encodePairs(pairs: Pairs, long?: boolean): Buffer {
  return Buffer.concat(
    pairs.flatMap(([name, value]) => [
      pairLength(name.length, long),
      pairLength(value.length, long),
      Buffer.from(name + value, 'latin1'),
    ]),
  )
}

export interface RequestOptions extends BeginOptions {
  /** bytes of params per record, 65,535 by default */
  readonly split?: number
}

/** A stream of PARAMS records with its terminator. */
export function paramsRecords(pairs: Pairs | Uint8Array, options: RequestOptions = {}): Buffer {
  const bytes = pairs instanceof Uint8Array ? pairs : encodePairs(pairs)
  const size = options.split ?? 65_535
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    records.push(record(TYPE.PARAMS, bytes.subarray(at, at + size), options))
  }
  return Buffer.concat([...records, record(TYPE.PARAMS, '', options)])
}

/** lighttpd's bytes for a request without a body, without the empty STDIN. */
export function authorizerRequest(
  pairs: Pairs | Uint8Array = [],
  options: RequestOptions = {},
): Buffer {
  return Buffer.concat([beginRequest(options), paramsRecords(pairs, options)])
}
