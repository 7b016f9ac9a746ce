import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isKeyName, keyName } from '../../src/domain/principal.ts'

const ascii = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 85,
})

describe('the name of a subject or id', () => {
  it.each([
    ['alice', 'alice'],
    ['alice smith', 'alice%20smith'],
    ['100%', '100%25'],
    ['a%20b', 'a%2520b'],
    [' ', '%20'],
    ['a|b', 'a|b'],
    ['x'.repeat(255), 'x'.repeat(255)],
    ['x'.repeat(256), null],
    [' '.repeat(85), '%20'.repeat(85)],
    [' '.repeat(86), null],
    ['', null],
    ['a\tb', null],
    ['a\u00a0b', null],
    ['a\n', null],
    ['a\0', null],
    ['\x7f', null],
    ['\u00e9', null],
  ])('of %j is %j', (text, name) => {
    expect(keyName(text)).toBe(name)
  })

  it('is never that of another text', () => {
    fc.assert(
      fc.property(ascii, ascii, (one, other) => {
        expect(keyName(one) === keyName(other)).toBe(one === other)
      }),
    )
  })

  it('is printable without spaces, and says the text again', () => {
    fc.assert(
      fc.property(ascii, (text) => {
        const name = keyName(text) ?? ''
        expect(name).toMatch(/^[\x21-\x7e]+$/)
        expect(isKeyName(name)).toBe(true)
        expect(name.replaceAll('%20', ' ').replaceAll('%25', '%')).toBe(text)
      }),
    )
  })

  it.each(['', 'a b', '100%', '%2', 'a%2Fb', '%2520x%', 'a\n', '%20\n', 'x'.repeat(256), 1, null])(
    'is not %j',
    (value) => {
      expect(isKeyName(value)).toBe(false)
    },
  )
})
