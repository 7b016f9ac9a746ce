import { getValuesResult, unknownType } from './management.ts'
import { indexParams, type Params } from './params.ts'
import {
  decodeHeader,
  FIXED_BODY_BYTES,
  HEADER_BYTES,
  MANAGEMENT_ID,
  RECORD_TYPE,
  type RecordHeader,
  VERSION,
} from './record.ts'

/** How a peer broke the protocol; a bounded label for metrics. */
export type ProtocolErrorKind =
  | 'bad-version'
  | 'bad-record'
  | 'unexpected-record'
  | 'unknown-role'
  | 'multiplexed'
  | 'params-too-large'
  | 'malformed-params'
  | 'ended-early'
  | 'params-timeout'
  | 'reply-timeout'

/** A request with complete parameters; its STDIN, if any, is ignored. */
export interface AuthorizerRequest {
  /** 1 to 65,535 */
  readonly id: number
  /** whether the client reuses the connection after the reply (FCGI_KEEP_CONN) */
  readonly keepConnection: boolean
  readonly params: Params
}

/**
 * The next result of the bytes so far. After `aborted` and `protocol-error` the connection is
 * unusable.
 */
export type Outcome =
  | { readonly kind: 'need-more' }
  | { readonly kind: 'request'; readonly request: AuthorizerRequest }
  | { readonly kind: 'management'; readonly reply: Buffer }
  | { readonly kind: 'aborted' }
  | ProtocolError

interface ProtocolError {
  readonly kind: 'protocol-error'
  readonly error: ProtocolErrorKind
}

const NEED_MORE: Outcome = { kind: 'need-more' }
const ABORTED: Outcome = { kind: 'aborted' }
const NOTHING: Buffer = Buffer.alloc(0)
const ROLE_AUTHORIZER = 2
const FLAG_KEEP_CONN = 1

/** Bytes kept of a record other than PARAMS: room for a BEGIN_REQUEST and a long GET_VALUES. */
const MAX_CONTROL_BYTES = 256

/**
 * The server side of a FastCGI 1.0 connection in the AUTHORIZER role, one request at a time, from
 * bytes in any chunking.
 *
 * INVARIANT: between chunks it holds a header, `MAX_CONTROL_BYTES` and at most `maxParamsBytes`.
 * Longer content is rejected by its header before any of it is kept; otherwise a peer could fill
 * the memory. STDIN and DATA are never kept.
 */
export class RequestParser {
  readonly #maxParamsBytes: number
  readonly #header = Buffer.allocUnsafe(HEADER_BYTES)
  readonly #control = Buffer.allocUnsafe(MAX_CONTROL_BYTES)
  #headerLength = 0
  #chunk = NOTHING
  #at = 0
  #record: RecordHeader | null = null
  /** content and padding received of `#record` */
  #received = 0
  #phase: 'idle' | 'params' | 'complete' = 'idle'
  /** of the latest request, also after its end: its STDIN may still arrive */
  #requestId = MANAGEMENT_ID
  #keepConnection = false
  #params = NOTHING
  #paramsLength = 0

  constructor(maxParamsBytes: number) {
    this.#maxParamsBytes = maxParamsBytes
  }

  /** true while no request is open and no record has begun, so the connection may end here */
  get isIdle(): boolean {
    return this.#phase === 'idle' && this.#headerLength === 0
  }

  /**
   * Takes the next bytes, which must not change until `next` returns `need-more`; the previous
   * bytes must be used up.
   */
  feed(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /**
   * Returns the next result of the bytes so far. A protocol error stays: every later call returns
   * it again.
   */
  next(): Outcome {
    for (;;) {
      if (this.#record === null) {
        if (!this.#readHeader()) return this.#needMore()
        const header = decodeHeader(this.#header)
        const error = this.#check(header)
        if (error !== null) return { kind: 'protocol-error', error }
        this.#record = header
        this.#received = 0
      }
      if (!this.#readBody(this.#record)) return this.#needMore()
      const outcome = this.#finish(this.#record)
      if (outcome?.kind === 'protocol-error') return outcome
      this.#record = null
      this.#headerLength = 0
      if (outcome !== null) return outcome
    }
  }

  /** Ends the request that `next` returned, so that the connection can carry another request. */
  release(): void {
    this.#phase = 'idle'
  }

  #needMore(): Outcome {
    this.#chunk = NOTHING
    this.#at = 0
    return NEED_MORE
  }

  #readHeader(): boolean {
    const end = this.#at + HEADER_BYTES - this.#headerLength
    const copied = this.#chunk.copy(this.#header, this.#headerLength, this.#at, end)
    this.#headerLength += copied
    this.#at += copied
    return this.#headerLength === HEADER_BYTES
  }

  /**
   * Consumes the chunk's part of the record's content and padding.
   *
   * @returns whether the record is complete
   */
  #readBody(record: RecordHeader): boolean {
    const length = record.contentLength + record.paddingLength
    const taken = Math.min(length - this.#received, this.#chunk.length - this.#at)
    const content = Math.min(taken, record.contentLength - this.#received)
    if (content > 0) this.#keep(record, content)
    this.#received += taken
    this.#at += taken
    return this.#received === length
  }

  /** Copies the next `length` bytes of content if they are needed. */
  #keep(record: RecordHeader, length: number): void {
    const end = this.#at + length
    if (record.type === RECORD_TYPE.params) {
      this.#chunk.copy(this.#params, this.#paramsLength, this.#at, end)
      this.#paramsLength += length
    } else if (isControl(record)) {
      this.#chunk.copy(this.#control, this.#received, this.#at, end)
    }
  }

  /**
   * Checks whether the record is allowed here, from its header alone, before its content is read.
   */
  #check(record: RecordHeader): ProtocolErrorKind | null {
    if (record.version !== VERSION) return 'bad-version'
    if (record.requestId === MANAGEMENT_ID) return checkManagement(record)
    switch (record.type) {
      case RECORD_TYPE.beginRequest:
        if (this.#phase !== 'idle') return 'multiplexed'
        return record.contentLength === FIXED_BODY_BYTES ? null : 'bad-record'
      case RECORD_TYPE.params:
        if (this.#phase !== 'params') return 'unexpected-record'
        if (record.requestId !== this.#requestId) return 'unexpected-record'
        return this.#reserve(record.contentLength) ? null : 'params-too-large'
      case RECORD_TYPE.abortRequest:
      case RECORD_TYPE.stdin:
      case RECORD_TYPE.data:
        return record.requestId === this.#requestId ? null : 'unexpected-record'
      default:
        return 'unexpected-record'
    }
  }

  #finish(record: RecordHeader): Outcome | null {
    if (record.requestId === MANAGEMENT_ID) return this.#finishManagement(record)
    switch (record.type) {
      case RECORD_TYPE.beginRequest:
        return this.#begin(record.requestId)
      case RECORD_TYPE.params:
        return record.contentLength === 0 ? this.#complete() : null
      case RECORD_TYPE.abortRequest:
        return this.#phase === 'idle' ? null : ABORTED
      default:
        return null
    }
  }

  #begin(requestId: number): Outcome | null {
    if (this.#control.readUInt16BE(0) !== ROLE_AUTHORIZER) {
      return { kind: 'protocol-error', error: 'unknown-role' }
    }
    this.#phase = 'params'
    this.#requestId = requestId
    this.#keepConnection = (this.#control.readUInt8(2) & FLAG_KEEP_CONN) !== 0
    return null
  }

  #complete(): Outcome {
    const params = indexParams(this.#params.subarray(0, this.#paramsLength))
    if (params === null) return { kind: 'protocol-error', error: 'malformed-params' }
    this.#phase = 'complete'
    this.#params = NOTHING
    this.#paramsLength = 0
    const request = { id: this.#requestId, keepConnection: this.#keepConnection, params }
    return { kind: 'request', request }
  }

  #finishManagement(record: RecordHeader): Outcome {
    if (record.type !== RECORD_TYPE.getValues) {
      return { kind: 'management', reply: unknownType(record.type) }
    }
    const query = indexParams(this.#control.subarray(0, record.contentLength))
    if (query === null) return { kind: 'protocol-error', error: 'bad-record' }
    return { kind: 'management', reply: getValuesResult(query) }
  }

  /** Makes room for `length` more bytes of params, unless that exceeds the limit. */
  #reserve(length: number): boolean {
    const needed = this.#paramsLength + length
    if (needed > this.#maxParamsBytes) return false
    if (needed <= this.#params.length) return true
    const capacity = Math.min(this.#maxParamsBytes, Math.max(needed, 2 * this.#params.length))
    const grown = Buffer.allocUnsafe(capacity)
    this.#params.copy(grown, 0, 0, this.#paramsLength)
    this.#params = grown
    return true
  }
}

function checkManagement(record: RecordHeader): ProtocolErrorKind | null {
  if (record.type === RECORD_TYPE.getValues) {
    return record.contentLength <= MAX_CONTROL_BYTES ? null : 'bad-record'
  }
  const isKnown = record.type >= RECORD_TYPE.beginRequest && record.type <= RECORD_TYPE.unknownType
  return isKnown ? 'unexpected-record' : null
}

/** Whether the content of a record other than PARAMS is read at all. */
function isControl(record: RecordHeader): boolean {
  return record.type === RECORD_TYPE.beginRequest || record.type === RECORD_TYPE.getValues
}
