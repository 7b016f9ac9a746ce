import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeReply, type Reply } from '../../src/fcgi/reply.ts'
import { decodeRecords, decodeReplies } from './decode-fixture.ts'
import { record, TYPE } from './encode-fixture.ts'

/** Chars of one to four UTF-8 bytes, a lone surrogate, and chars that a head must not contain. */
const hostile = fc.constantFrom(
  'a',
  'Z',
  ' ',
  ':',
  '\r',
  '\n',
  '\0',
  '\x7f',
  'é',
  '\u010a',
  '€',
  '😀',
  '\ud800',
)

const REPLY: Reply = { status: 403, headers: [['Content-Type', 'text/plain']], body: 'no' }

function encodedOrRefused(reply: Reply): Buffer | 'refused' {
  try {
    return encodeReply(1, reply)
  } catch (error) {
    if (error instanceof RangeError) return 'refused'
    throw error
  }
}

describe('a reply', () => {
  it('is exactly these bytes', () => {
    const stdout = 'Status: 403\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno'
    const expected = Buffer.concat([
      record(TYPE.STDOUT, stdout, { id: 258 }),
      record(TYPE.STDOUT, '', { id: 258 }),
      record(TYPE.END_REQUEST, Buffer.alloc(8), { id: 258 }),
    ])
    expect(encodeReply(258, REPLY)).toEqual(expected)
  })

  it.each([1, 255, 256, 65_535])('carries the request id %i', (id) => {
    expect(decodeReplies(encodeReply(id, REPLY))[0]?.id).toBe(id)
  })

  it.each([200, 204, 302, 401, 429, 503, 599])('puts the status %i first', (status) => {
    const [first] = decodeRecords(encodeReply(1, { ...REPLY, status }))
    expect(first?.content.toString('latin1').startsWith(`Status: ${status}\r\n`)).toBe(true)
  })

  it('has a Status also without headers and body', () => {
    expect(decodeReplies(encodeReply(1, { status: 200, headers: [], body: '' }))).toEqual([
      { id: 1, status: 200, headers: [], body: '' },
    ])
  })

  it('keeps headers in order, also repeated ones', () => {
    const headers: Reply['headers'] = [
      ['Set-Cookie', 'a=1'],
      ['X-Empty', ''],
      ['Set-Cookie', 'b=2'],
    ]
    expect(decodeReplies(encodeReply(1, { ...REPLY, headers }))[0]?.headers).toEqual([
      'Set-Cookie: a=1',
      'X-Empty: ',
      'Set-Cookie: b=2',
    ])
  })

  it.each(['é', '€', '😀', '\ud800', 'a\0b'])('counts the UTF-8 bytes of the body %j', (body) => {
    expect(decodeReplies(encodeReply(1, { ...REPLY, body }))[0]?.body).toBe(body.toWellFormed())
  })
})

describe('splitting', () => {
  const headBytes = 'Status: 403\r\nContent-Length: 65535\r\n\r\n'.length
  const rows: readonly [bodyBytes: number, records: readonly number[]][] = [
    [65_534 - headBytes, [65_534]],
    [65_535 - headBytes, [65_535]],
    [65_536 - headBytes, [65_535, 1]],
    [2 * 65_535 - headBytes - 1, [65_535, 65_535]],
    [300_000, [65_535, 65_535, 65_535, 65_535, 300_000 + headBytes + 1 - 4 * 65_535]],
  ]
  it.each(rows)('cuts a body of %i bytes into STDOUT records of %j', (bodyBytes, sizes) => {
    const body = Array.from({ length: bodyBytes }, (_, i) =>
      String.fromCharCode(33 + (i % 89)),
    ).join('')
    const bytes = encodeReply(1, { status: 403, headers: [], body })
    const stdout = decodeRecords(bytes).filter(({ type }) => type === TYPE.STDOUT)
    expect(stdout.map(({ content }) => content.length)).toEqual([...sizes, 0])
    expect(decodeReplies(bytes)[0]?.body).toBe(body)
  })

  it('loses no byte of any body', () => {
    const bodies = fc.tuple(
      fc.string({ unit: hostile, maxLength: 50 }),
      fc.integer({ min: 0, max: 3_000 }),
    )
    fc.assert(
      fc.property(bodies, ([unit, times]) => {
        const body = unit.repeat(times)
        expect(decodeReplies(encodeReply(7, { ...REPLY, body }))[0]?.body).toBe(body.toWellFormed())
      }),
      { numRuns: 20 },
    )
  })
})

describe('replies that are rejected before a byte is made', () => {
  it.each([0, 100, 103, 199, 600, 1000, -200, 200.5, Number.NaN, Infinity, 2 ** 31])(
    'the status %d',
    (status) => {
      expect(() => encodeReply(1, { ...REPLY, status })).toThrow(RangeError)
    },
  )

  const values = [
    'a\rb',
    'a\nb',
    'a\r\nStatus: 200',
    'a\0b',
    'a\tb',
    'a\x7fb',
    'é',
    '\u010a',
    '\u2028',
    '\ud800',
  ]
  it.each(values)('the header value %j', (value) => {
    expect(() => encodeReply(1, { ...REPLY, headers: [['X', value]] })).toThrow(RangeError)
  })

  const names = [
    '',
    ' ',
    'a b',
    'a:',
    'a\r',
    'a\nb',
    'a\0',
    'X\r\nStatus',
    'é',
    'Status',
    'STATUS',
    'content-length',
  ]
  it.each(names)('the header name %j', (name) => {
    expect(() => encodeReply(1, { ...REPLY, headers: [[name, '200']] })).toThrow(RangeError)
  })

  it('does not repeat a header value in its message', () => {
    const headers: Reply['headers'] = [['X', 'secret\n']]
    expect(() => encodeReply(1, { ...REPLY, headers })).toThrow(
      /^the value of X is not printable ASCII$/,
    )
  })

  it('is everything that would not come out as one whole reply', () => {
    const headers = fc.array(fc.tuple(fc.string({ unit: hostile }), fc.string({ unit: hostile })), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 190, max: 610 }),
        headers,
        fc.string(),
        (status, lines, body) => {
          const expected = lines.map(([name, value]) => `${name}: ${value}`)
          const whole = [{ id: 1, status, headers: expected, body: body.toWellFormed() }]
          const bytes = encodedOrRefused({ status, headers: lines, body })
          expect(['refused', whole]).toContainEqual(
            bytes === 'refused' ? bytes : decodeReplies(bytes),
          )
        },
      ),
    )
  })
})
