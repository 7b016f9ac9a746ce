import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import type { RevocationKey } from '../../src/revocation/revocation-keys.ts'
import { anomalyOf, isRefused } from '../../src/revocation/revocation-rule.ts'

const ALWAYS: RevocationKey = { name: 'bg:revoked:token:okta|1', refuses: 'always' }
const NOT_BEFORE: RevocationKey = { name: 'bg:revoked:all', refuses: 'not-before' }
const SKEW = 5
const SIGN_IN = 1_800_000_000

const UNREADABLE = [
  '',
  ' ',
  'true',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  'NaN',
  'Infinity',
  '1800000000\n',
  ' 1800000000',
  '1800000000\u0000',
  '1234567890123',
  '٣',
  '__proto__',
]

describe('a key that refuses by being there', () => {
  test.each(['', '0', '1', 'false', '99999999999', ...UNREADABLE])('with %j', (text) => {
    expect(isRefused(ALWAYS, storedText(text), SIGN_IN, SKEW)).toBe(true)
    expect(anomalyOf(ALWAYS, storedText(text))).toBeNull()
  })

  test('with a wrong type, which is told', () => {
    expect(isRefused(ALWAYS, WRONG_TYPE, SIGN_IN, SKEW)).toBe(true)
    expect(anomalyOf(ALWAYS, WRONG_TYPE)).toBe('wrong-type')
  })
})

describe('a not-before key', () => {
  test.each([
    ['0', false],
    ['000000000001', false],
    [String(SIGN_IN - SKEW - 1), false],
    [String(SIGN_IN - SKEW), true],
    [String(SIGN_IN), true],
    [String(SIGN_IN + 86_400), true],
    ['999999999999', true],
  ])('with %j refuses: %s', (text, refused) => {
    expect(isRefused(NOT_BEFORE, storedText(text), SIGN_IN, SKEW)).toBe(refused)
    expect(anomalyOf(NOT_BEFORE, storedText(text))).toBeNull()
  })

  test.each(UNREADABLE)('with the unreadable %j refuses, and it is told', (text) => {
    expect(isRefused(NOT_BEFORE, storedText(text), SIGN_IN, SKEW)).toBe(true)
    expect(anomalyOf(NOT_BEFORE, storedText(text))).toBe('malformed')
  })

  test('with a wrong type refuses, and it is told', () => {
    expect(isRefused(NOT_BEFORE, WRONG_TYPE, SIGN_IN, SKEW)).toBe(true)
    expect(anomalyOf(NOT_BEFORE, WRONG_TYPE)).toBe('wrong-type')
  })

  test('refuses a sign-in at no known moment', () => {
    expect(isRefused(NOT_BEFORE, storedText('0'), Number.NaN, SKEW)).toBe(true)
  })
})

test('an absent value refuses nobody', () => {
  for (const key of [ALWAYS, NOT_BEFORE]) {
    expect(isRefused(key, ABSENT, SIGN_IN, SKEW)).toBe(false)
    expect(anomalyOf(key, ABSENT)).toBeNull()
  }
})

test('nothing but absence and an older moment lets a sign-in pass', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger().map(String),
    fc.double().map(String),
    fc.integer({ min: SIGN_IN - 20, max: SIGN_IN + 20 }).map(String),
  )
  fc.assert(
    fc.property(text, fc.constantFrom(ALWAYS, NOT_BEFORE), (found, key) => {
      const value: StoredValue = storedText(found)
      if (isRefused(key, value, SIGN_IN, SKEW)) return
      expect(key).toBe(NOT_BEFORE)
      expect(found).toMatch(/^[0-9]{1,12}$/)
      expect(Number(found)).toBeLessThan(SIGN_IN - SKEW)
    }),
  )
})
