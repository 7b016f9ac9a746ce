import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexParams } from '../../src/fcgi/params.ts'
import { encodePairs, type Pairs, pairLength } from './encode-fixture.ts'

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  maxLength: 300,
})

function lookup(pairs: Pairs, name: string): string | null | undefined {
  return indexParams(encodePairs(pairs))?.get(name)
}

describe('lookup', () => {
  const rows: readonly [title: string, pairs: Pairs, name: string, value: string | null][] = [
    ['finds the only value', [['A', '1']], 'A', '1'],
    [
      'finds one behind others',
      [
        ['A', '1'],
        ['AB', '2'],
        ['B', '3'],
      ],
      'B',
      '3',
    ],
    ['finds an empty value', [['A', '']], 'A', ''],
    ['finds the empty name', [['', '1']], '', '1'],
    ['finds nothing among none', [], 'A', null],
    ['finds no empty name among none', [], '', null],
    ['keeps case apart', [['a', '1']], 'A', null],
    ['wants the whole name, not its beginning', [['AB', '1']], 'A', null],
    ['wants the whole name, not its end', [['AB', '1']], 'B', null],
    ['does not run from name into value', [['A', 'B']], 'AB', null],
    ['has no inherited names', [['A', '1']], '__proto__', null],
    ['has no inherited methods', [['A', '1']], 'toString', null],
    ['finds __proto__ like any name', [['__proto__', '1']], '__proto__', '1'],
    ['keeps NUL, CR and LF as sent', [['A', '\0\r\n']], 'A', '\0\r\n'],
    ['reads each byte as one char', [['A', '\x80\xc3\xa9\xff']], 'A', '\x80\xc3\xa9\xff'],
    ['does not fold a wide char onto its low byte', [['A', '1']], '\u0141', null],
    ['finds a value of 128 bytes', [['A', 'x'.repeat(128)]], 'A', 'x'.repeat(128)],
    ['finds a name of 128 bytes', [['n'.repeat(128), '1']], 'n'.repeat(128), '1'],
    [
      'gives no value of a repeated name',
      [
        ['A', '1'],
        ['A', '2'],
      ],
      'A',
      null,
    ],
    [
      'gives no value of a name repeated with one value',
      [
        ['A', '1'],
        ['A', '1'],
      ],
      'A',
      null,
    ],
    [
      'gives no value of a name repeated as empty',
      [
        ['A', '1'],
        ['A', ''],
      ],
      'A',
      null,
    ],
    [
      'gives no value of a name that stands three times',
      [
        ['A', '1'],
        ['A', '2'],
        ['A', '3'],
      ],
      'A',
      null,
    ],
  ]
  it.each(rows)('%s', (_, pairs, name, value) => {
    expect(lookup(pairs, name)).toBe(value)
  })

  it('accepts lengths below 128 in four bytes', () => {
    expect(indexParams(encodePairs([['A', '1']], true))?.get('A')).toBe('1')
  })

  it('says which names are repeated', () => {
    const params = indexParams(
      encodePairs([
        ['A', '1'],
        ['B', '2'],
        ['A', '1'],
      ]),
    )
    expect(['A', 'B', 'C'].map((name) => params?.isRepeated(name))).toEqual([true, false, false])
  })

  it('returns every value of any pairs, by name', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(latin1, latin1), { maxLength: 20 }),
        fc.boolean(),
        (pairs, long) => {
          const params = indexParams(encodePairs(pairs, long || undefined))
          for (const [name] of pairs) {
            const values = pairs.filter((pair) => pair[0] === name).map((pair) => pair[1])
            expect(params?.isRepeated(name)).toBe(values.length > 1)
            expect(params?.get(name)).toBe(values.length > 1 ? null : values[0])
          }
        },
      ),
    )
  })
})

describe('malformed pairs', () => {
  const rows: readonly [title: string, bytes: Buffer][] = [
    ['a name length alone', Buffer.from([1])],
    ['four-byte name length cut after one byte', Buffer.from([0x80])],
    ['four-byte name length cut after three bytes', Buffer.from([0x80, 0, 0])],
    ['no value length', pairLength(1, true)],
    ['four-byte value length cut', Buffer.from([1, 0x80, 0, 0])],
    ['name beyond the end', Buffer.from([2, 0, 0x41])],
    ['value beyond the end', Buffer.from([1, 2, 0x41, 0x31])],
    [
      'value length 2^31 - 1',
      Buffer.concat([Buffer.from([1]), pairLength(2 ** 31 - 1), Buffer.from('A1')]),
    ],
    [
      'value length 2^24 + 1 before one byte',
      Buffer.concat([Buffer.from([1]), pairLength(2 ** 24 + 1), Buffer.from('A1')]),
    ],
    [
      'both lengths 2^31 - 1',
      Buffer.concat([pairLength(2 ** 31 - 1), pairLength(2 ** 31 - 1), Buffer.from('A1')]),
    ],
    [
      'a good pair, then half of one',
      Buffer.concat([encodePairs([['A', '1']]), Buffer.from([1, 1, 0x42])]),
    ],
  ]
  it.each(rows)('are refused: %s', (_, bytes) => {
    expect(indexParams(bytes)).toBeNull()
  })

  it('are refused wherever a stream is cut inside a pair', () => {
    const bytes = encodePairs([
      ['NAME', 'value'],
      ['B', 'x'.repeat(200)],
    ])
    const whole = new Set([0, encodePairs([['NAME', 'value']]).length, bytes.length])
    for (let end = 0; end <= bytes.length; end++) {
      expect(indexParams(bytes.subarray(0, end)) !== null).toBe(whole.has(end))
    }
  })

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.string({ maxLength: 3 }), (bytes, name) => {
        const value = indexParams(Buffer.from(bytes))?.get(name)
        expect(value === undefined || value === null || value.length <= bytes.length).toBe(true)
      }),
    )
  })
})
