import { describe, expect, it } from 'vitest'
import { RequestParser } from '../../src/fcgi/request-parser.ts'
import {
  authorizerRequest,
  beginRequest,
  encodePairs,
  paramsRecords,
  record,
  TYPE,
} from './encode-fixture.ts'
import {
  GREETING,
  MAX_PARAMS_BYTES,
  outcomesOfEverySplit,
  READ,
  type Row,
} from './request-parser-fixture.ts'

describe('a request', () => {
  const keep = { flags: 1 }
  const rows: readonly Row[] = [
    ['is there with the empty PARAMS record', [GREETING], READ],
    ['is not there before', [beginRequest(), record(TYPE.PARAMS, encodePairs([['A', '1']]))], []],
    ['needs more after an unfinished header', [GREETING.subarray(0, -1)], []],
    ['may have no params', [authorizerRequest()], ['request 1 A=null']],
    ['may have its params in many records', [authorizerRequest([['A', '1']], { split: 1 })], READ],
    ['may have padding everywhere', [authorizerRequest([['A', '1']], { padding: 255 })], READ],
    [
      'has an id of two bytes',
      [authorizerRequest([['A', '1']], { id: 65_535 })],
      ['request 65535 A=1'],
    ],
    [
      'is not changed by flags that mean nothing',
      [authorizerRequest([['A', '1']], { flags: 0xfe })],
      READ,
    ],
    ['may end with STDIN', [GREETING, record(TYPE.STDIN)], READ],
    ['does not wait for STDIN, and ignores it', [GREETING, record(TYPE.STDIN, 'body')], READ],
    [
      'may have STDIN and DATA before its params end',
      [
        beginRequest(),
        record(TYPE.STDIN, 'x'),
        record(TYPE.DATA, 'y'),
        paramsRecords([['A', '1']]),
      ],
      READ,
    ],
    [
      'may be followed by another when the connection is kept',
      [authorizerRequest([['A', '1']], keep), authorizerRequest([['A', '2']], { id: 2, ...keep })],
      ['request 1 keep A=1', 'request 2 keep A=2'],
    ],
    [
      'may have its late STDIN after it is answered',
      [
        authorizerRequest([['A', '1']], keep),
        record(TYPE.STDIN),
        record(TYPE.DATA),
        authorizerRequest([['B', '2']], keep),
      ],
      ['request 1 keep A=1', 'request 1 keep A=null'],
    ],
    [
      'may be aborted late, after it is answered',
      [
        authorizerRequest([['A', '1']], keep),
        record(TYPE.ABORT_REQUEST),
        authorizerRequest([['A', '2']]),
      ],
      ['request 1 keep A=1', 'request 1 A=2'],
    ],
    [
      'may be aborted before its params end',
      [beginRequest(), record(TYPE.ABORT_REQUEST)],
      ['aborted'],
    ],
    [
      'may be aborted while it is answered',
      [GREETING, record(TYPE.ABORT_REQUEST)],
      [...READ, 'aborted'],
    ],
  ]
  it.each(rows)('%s', (_, records, expected) => {
    expect(outcomesOfEverySplit(Buffer.concat(records))).toEqual([expected])
  })
})

describe('management records', () => {
  const management = { id: 0 }
  const answer = (type: number, content: Buffer | string): string =>
    `management ${record(type, content, management).toString('latin1')}`
  const noMultiplexing = answer(TYPE.GET_VALUES_RESULT, encodePairs([['FCGI_MPXS_CONNS', '0']]))
  const getValues = (...names: string[]): Buffer =>
    record(TYPE.GET_VALUES, encodePairs(names.map((name) => [name, ''])), management)
  const rows: readonly Row[] = [
    ['learn that there is no multiplexing', [getValues('FCGI_MPXS_CONNS')], [noMultiplexing]],
    [
      'learn it among other values',
      [getValues('FCGI_MAX_CONNS', 'FCGI_MPXS_CONNS', 'FCGI_MAX_REQS')],
      [noMultiplexing],
    ],
    [
      'learn nothing about an unknown value',
      [getValues('__proto__', '')],
      [answer(TYPE.GET_VALUES_RESULT, '')],
    ],
    ['may ask for nothing', [getValues()], [answer(TYPE.GET_VALUES_RESULT, '')]],
    [
      'may come within a request',
      [beginRequest(), getValues('FCGI_MPXS_CONNS'), paramsRecords([['A', '1']])],
      [noMultiplexing, ...READ],
    ],
    [
      'may come between two parts of one param',
      [
        beginRequest(),
        record(TYPE.PARAMS, '\x01\x01'),
        getValues(),
        record(TYPE.PARAMS, 'A1'),
        record(TYPE.PARAMS),
      ],
      [answer(TYPE.GET_VALUES_RESULT, ''), ...READ],
    ],
    [
      'of type 0 are answered as unknown',
      [record(0, '', management)],
      [answer(TYPE.UNKNOWN_TYPE, '\0\0\0\0\0\0\0\0')],
    ],
    [
      'of type 12 are answered as unknown',
      [record(12, 'x', management)],
      [answer(TYPE.UNKNOWN_TYPE, '\x0c\0\0\0\0\0\0\0')],
    ],
    [
      'of type 255 are answered as unknown',
      [record(255, '', management)],
      [answer(TYPE.UNKNOWN_TYPE, '\xff\0\0\0\0\0\0\0')],
    ],
    [
      'may have 256 bytes',
      [record(TYPE.GET_VALUES, encodePairs([['n'.repeat(251), '']]), management)],
      [answer(TYPE.GET_VALUES_RESULT, '')],
    ],
    [
      'may not have 257 bytes',
      [record(TYPE.GET_VALUES, encodePairs([['n'.repeat(252), '']]), management)],
      ['bad-record'],
    ],
    [
      'may not have 256 good bytes and more',
      [
        record(
          TYPE.GET_VALUES,
          encodePairs([
            ['n'.repeat(251), ''],
            ['', ''],
          ]),
          management,
        ),
      ],
      ['bad-record'],
    ],
    ['may not have half a pair', [record(TYPE.GET_VALUES, '\x01', management)], ['bad-record']],
  ]
  it.each(rows)('%s', (_, records, expected) => {
    expect(outcomesOfEverySplit(Buffer.concat(records))).toEqual([expected])
  })
})

describe('idleness', () => {
  const rows: readonly [title: string, bytes: Buffer, isIdle: boolean][] = [
    ['before the first byte', Buffer.alloc(0), true],
    ['not after the first byte', GREETING.subarray(0, 1), false],
    ['not inside params', beginRequest(), false],
    ['not before the answer', GREETING, false],
    ['after a whole management record', record(200, '', { id: 0 }), true],
    ['not inside a management record', record(200, 'x', { id: 0 }).subarray(0, 8), false],
  ]
  it.each(rows)('is %s', (_, bytes, isIdle) => {
    const parser = new RequestParser(MAX_PARAMS_BYTES)
    parser.feed(bytes)
    while (parser.next().kind !== 'need-more');
    expect(parser.isIdle).toBe(isIdle)
  })

  it('is after the answer', () => {
    const parser = new RequestParser(MAX_PARAMS_BYTES)
    parser.feed(GREETING)
    parser.next()
    parser.release()
    expect(parser.isIdle).toBe(true)
  })
})
