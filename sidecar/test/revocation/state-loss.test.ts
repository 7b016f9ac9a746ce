import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ABSENT, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { decodeState, encodeState, lostBeforeSeconds } from '../../src/revocation/state-loss.ts'
import { NOW } from '../support/session-fixture.ts'

const LIFETIME = 108_000
const stateSince = (since: unknown) => storedText(JSON.stringify({ id: 'a', since }))

test('reads what it writes', () => {
  const record = { id: 'a', sinceSeconds: NOW }
  expect(decodeState(encodeState(record))).toEqual(record)
  expect(encodeState(record)).toBe(`{"id":"a","since":${NOW}}`)
})

test('nothing is lost since 0', () => {
  expect(lostBeforeSeconds(stateSince(0), NOW, LIFETIME)).toBe(0)
})

test('a loss lasts as long as the tokens of its time', () => {
  expect(lostBeforeSeconds(stateSince(NOW), NOW, LIFETIME)).toBe(NOW)
  expect(lostBeforeSeconds(stateSince(NOW), NOW + LIFETIME, LIFETIME)).toBe(NOW)
  expect(lostBeforeSeconds(stateSince(NOW), NOW + LIFETIME + 1, LIFETIME)).toBe(0)
})

test('a loss in the future is one already', () => {
  expect(lostBeforeSeconds(stateSince(NOW + 60), NOW, LIFETIME)).toBe(NOW + 60)
})

test('members of a later version are no loss', () => {
  expect(lostBeforeSeconds(storedText('{"id":"a","since":0,"by":"x"}'), NOW, LIFETIME)).toBe(0)
})

describe('everything is lost with', () => {
  test.each([
    ['nothing', ABSENT],
    ['a wrong type', WRONG_TYPE],
    ['an empty value', storedText('')],
    ['no JSON', storedText('{"id":"a","since":0')],
    ['a bare 0', storedText('0')],
    ['null', storedText('null')],
    ['a list', storedText('[0]')],
    ['no id', storedText('{"since":0}')],
    ['an empty id', storedText('{"id":"","since":0}')],
    ['an id that is a number', storedText('{"id":1,"since":0}')],
    ['no since', storedText('{"id":"a"}')],
    ['a since in the prototype', storedText('{"id":"a","__proto__":{"since":0}}')],
    ['a since of text', stateSince('0')],
    ['a since of null', stateSince(null)],
    ['a since of false', stateSince(false)],
    ['a since before the epoch', stateSince(-1)],
    ['a since with a fraction', stateSince(0.5)],
    ['a since beyond numbers', storedText('{"id":"a","since":1e400}')],
  ])('%s', (_, value) => {
    expect(lostBeforeSeconds(value, NOW, LIFETIME)).toBe(Number.POSITIVE_INFINITY)
  })
})

test('only a record that says so means that nothing is lost', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(lostBeforeSeconds(storedText(text), NOW, LIFETIME)).toBe(Number.POSITIVE_INFINITY)
    }),
  )
})
