import { describe, expect, test } from 'vitest'
import { durationSeconds, momentSeconds, timeText } from '../../src/cli/times.ts'

const NOW = 1_800_000_000.5

describe('a duration', () => {
  test.each([
    ['90s', 90],
    ['30m', 1800],
    ['12h', 43_200],
    ['7d', 604_800],
    ['', null],
    ['0s', null],
    ['1', null],
    ['h', null],
    ['-1h', null],
    ['1.5h', null],
    ['1H', null],
    ['1h ', null],
    ['1h30m', null],
    ['1w', null],
    ['9999999999s', null],
    ['1__proto__', null],
  ])('%j is %j seconds', (text, seconds) => {
    expect(durationSeconds(text)).toBe(seconds)
  })
})

describe('a moment', () => {
  test.each([
    ['0', 0],
    ['1800000000', 1_800_000_000],
    ['999999999999', 999_999_999_999],
    ['+2h', 1_800_007_201],
    ['-30m', 1_799_998_201],
    ['-99999d', 0],
    ['2026-11-26T18:00:00Z', 1_795_716_000],
    ['2026-11-26T18:00Z', 1_795_716_000],
    ['2026-11-26T19:00:00+01:00', 1_795_716_000],
    ['2026-11-26T18:00:00.001Z', 1_795_716_001],
    ['2028-02-29T00:00:00Z', 1_835_395_200],
  ])('%j is %i', (text, seconds) => {
    expect(momentSeconds(text, NOW)).toBe(seconds)
  })

  test.each([
    '',
    'now',
    '1800000000000', // milliseconds
    '-1',
    '+2',
    '2h',
    '1e9',
    '0x10',
    ' 1',
    '2026-11-26', // midnight in an unknown zone
    '2026-11-26T18:00:00',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-26T25:00:00Z',
    '2026-11-26T18:00:00Z; x',
    '1969-12-31T23:59:59Z',
    'Thu, 26 Nov 2026 18:00:00 GMT',
  ])('%j is none', (text) => {
    expect(momentSeconds(text, NOW)).toBeNull()
  })

  test('is shown as a time of ISO 8601, as far as Redis can hold one', () => {
    expect(timeText(1_795_716_000.9)).toBe('2026-11-26T18:00:00Z')
    expect(timeText(999_999_999_999)).toBe('+033658-09-27T01:46:39Z')
  })
})
