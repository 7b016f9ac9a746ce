import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { RequestParser } from '../../src/fcgi/request-parser.ts'
import {
  authorizerRequest,
  beginRequest,
  encodePairs,
  paramsRecords,
  ROLE,
  record,
  TYPE,
} from './encode-fixture.ts'
import {
  bytewise,
  GREETING,
  MAX_PARAMS_BYTES,
  outcomes,
  outcomesOfEverySplit,
  READ,
  type Row,
} from './request-parser-fixture.ts'

describe('a protocol error', () => {
  const begun = beginRequest()
  const pair = encodePairs([['A', '1']])
  const rows: readonly Row[] = [
    ['version 0', [beginRequest({ version: 0 })], ['bad-version']],
    ['version 2', [beginRequest({ version: 2 })], ['bad-version']],
    ['HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], ['bad-version']],
    [
      'version 2 after a request',
      [GREETING, record(TYPE.STDIN, '', { version: 2 })],
      [...READ, 'bad-version'],
    ],
    ['role RESPONDER', [beginRequest({ role: ROLE.RESPONDER })], ['unknown-role']],
    ['role FILTER', [beginRequest({ role: ROLE.FILTER })], ['unknown-role']],
    ['role 0', [beginRequest({ role: 0 })], ['unknown-role']],
    ['role 258, whose low byte is AUTHORIZER', [beginRequest({ role: 258 })], ['unknown-role']],
    ['BEGIN_REQUEST of 7 bytes', [record(TYPE.BEGIN_REQUEST, '\0\x02\0\0\0\0\0')], ['bad-record']],
    [
      'BEGIN_REQUEST of 9 bytes',
      [record(TYPE.BEGIN_REQUEST, '\0\x02\0\0\0\0\0\0\0')],
      ['bad-record'],
    ],
    ['empty BEGIN_REQUEST', [record(TYPE.BEGIN_REQUEST)], ['bad-record']],
    [
      'a second request inside the params of the first',
      [begun, beginRequest({ id: 2 })],
      ['multiplexed'],
    ],
    ['the same request begun twice', [begun, begun], ['multiplexed']],
    [
      'a second request before the first is answered',
      [GREETING, beginRequest({ id: 2 })],
      [...READ, 'multiplexed'],
    ],
    ['PARAMS before BEGIN_REQUEST', [paramsRecords([['A', '1']])], ['unexpected-record']],
    ['PARAMS of another request', [begun, paramsRecords([], { id: 2 })], ['unexpected-record']],
    ['PARAMS after their end', [GREETING, paramsRecords([])], [...READ, 'unexpected-record']],
    [
      'PARAMS of a request that is answered',
      [authorizerRequest([['A', '1']], { flags: 1 }), paramsRecords([])],
      ['request 1 keep A=1', 'unexpected-record'],
    ],
    ['STDIN before BEGIN_REQUEST', [record(TYPE.STDIN)], ['unexpected-record']],
    [
      'STDIN of another request',
      [GREETING, record(TYPE.STDIN, '', { id: 257 })],
      [...READ, 'unexpected-record'],
    ],
    ['ABORT_REQUEST before BEGIN_REQUEST', [record(TYPE.ABORT_REQUEST)], ['unexpected-record']],
    [
      'ABORT_REQUEST of another request',
      [GREETING, record(TYPE.ABORT_REQUEST, '', { id: 2 })],
      [...READ, 'unexpected-record'],
    ],
    [
      'END_REQUEST from a client',
      [begun, record(TYPE.END_REQUEST, '\0\0\0\0\0\0\0\0')],
      ['unexpected-record'],
    ],
    ['STDOUT from a client', [begun, record(TYPE.STDOUT, 'Status: 200')], ['unexpected-record']],
    ['an unknown type inside a request', [begun, record(99)], ['unexpected-record']],
    ['GET_VALUES inside a request', [begun, record(TYPE.GET_VALUES)], ['unexpected-record']],
    ['BEGIN_REQUEST with id 0', [beginRequest({ id: 0 })], ['unexpected-record']],
    ['PARAMS with id 0', [begun, record(TYPE.PARAMS, pair, { id: 0 })], ['unexpected-record']],
    [
      'GET_VALUES_RESULT from a client',
      [record(TYPE.GET_VALUES_RESULT, '', { id: 0 })],
      ['unexpected-record'],
    ],
    [
      'UNKNOWN_TYPE from a client',
      [record(TYPE.UNKNOWN_TYPE, '', { id: 0 })],
      ['unexpected-record'],
    ],
    [
      'a pair cut by the end of params',
      [authorizerRequest(Buffer.from('\x01\x02A1'))],
      ['malformed-params'],
    ],
    [
      'a pair of 2^31 - 1 bytes',
      [authorizerRequest(Buffer.from('\xff\xff\xff\xff\x01A1', 'latin1'))],
      ['malformed-params'],
    ],
  ]
  it.each(rows)('is %s', (_, records, expected) => {
    expect(outcomesOfEverySplit(Buffer.concat(records))).toEqual([expected])
  })
})

describe('the bound of params', () => {
  const params = (bytes: number): Buffer => encodePairs([['A', 'x'.repeat(bytes - 6)]])

  it.each([1, 100, 65_535])('admits exactly the bound in records of %i bytes', (split) => {
    const bytes = authorizerRequest(params(MAX_PARAMS_BYTES), { split })
    expect(outcomes([bytes])).toEqual([`request 1 A=${'x'.repeat(MAX_PARAMS_BYTES - 6)}`])
  })

  it.each([1, 100, 65_535])('refuses a byte more in records of %i bytes', (split) => {
    expect(outcomes([authorizerRequest(params(MAX_PARAMS_BYTES + 1), { split })])).toEqual([
      'params-too-large',
    ])
  })

  it('refuses a record by its header, before its content comes', () => {
    const header = record(TYPE.PARAMS, Buffer.alloc(MAX_PARAMS_BYTES + 1)).subarray(0, 8)
    expect(outcomesOfEverySplit(Buffer.concat([beginRequest(), header]))).toEqual([
      ['params-too-large'],
    ])
  })

  it('counts each request of a kept connection for itself', () => {
    const request = authorizerRequest(params(MAX_PARAMS_BYTES), { flags: 1 })
    expect(outcomes([Buffer.concat([request, request])])).toHaveLength(2)
  })

  it('holds for the memory taken, whatever the sizes of records', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 20 }), (sizes) => {
        const records = sizes.map((size) => record(TYPE.PARAMS, Buffer.alloc(size)))
        const bytes = Buffer.concat([beginRequest(), ...records])
        const allocated = vi.spyOn(Buffer, 'allocUnsafe')
        const parser = new RequestParser(MAX_PARAMS_BYTES)
        parser.feed(bytes)
        parser.next()
        const taken = allocated.mock.calls.map(([size]) => size)
        allocated.mockRestore()
        expect(Math.max(...taken)).toBeLessThanOrEqual(MAX_PARAMS_BYTES)
        // buffers that grow by doubling: their sum stays below three times the limit
        expect(taken.reduce((sum, size) => sum + size, 0)).toBeLessThan(
          3 * MAX_PARAMS_BYTES + 8 + 256,
        )
      }),
    )
  })

  it('takes no memory for STDIN', () => {
    const parser = new RequestParser(MAX_PARAMS_BYTES)
    parser.feed(GREETING)
    parser.next()
    const allocated = vi.spyOn(Buffer, 'allocUnsafe')
    const body = record(TYPE.STDIN, Buffer.alloc(65_535))
    for (let i = 0; i < 100; i++) {
      parser.feed(body)
      expect(parser.next().kind).toBe('need-more')
    }
    expect(allocated).not.toHaveBeenCalled()
    allocated.mockRestore()
  })
})

describe('any bytes', () => {
  const anyRecord = fc
    .record({
      type: fc.oneof(fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 255 })),
      content: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constant(Uint8Array.of(0, 2, 1, 0, 0, 0, 0, 0)),
        fc.constant(encodePairs([['A', '1']])),
        fc.constant(new Uint8Array(0)),
      ),
      id: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 2 })),
      version: fc.oneof(
        { weight: 20, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.nat(255) },
      ),
      padding: fc.oneof(fc.constant(0), fc.nat(255)),
    })
    .map(({ type, content, ...options }) => record(type, content, options))
  const plausible = fc.constantFrom(
    GREETING,
    beginRequest({ flags: 1 }),
    paramsRecords([['A', '1']]),
  )
  const anyBytes = fc
    .array(fc.oneof(anyRecord, plausible, fc.uint8Array({ maxLength: 20 })), { maxLength: 8 })
    .map((parts) => Buffer.concat(parts))

  it('end in requests, a need for more or a protocol error, and in the same whatever the chunks', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.nat(400), { maxLength: 6 }), (bytes, cuts) => {
        const at = [
          0,
          ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ]
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const whole = outcomes([bytes])
        expect(outcomes(chunks)).toEqual(whole)
        expect(outcomes(bytewise(bytes))).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })
})
