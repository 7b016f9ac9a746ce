import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { seenKey } from '../../src/domain/redis-keys.ts'
import { storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { createSeenSeal } from '../../src/session/seen-seal.ts'
import { decodeSession, encodeSession, sidOf } from '../../src/session/session.ts'
import { anomalyLog, NOW, OTHER_SESSION_ID, SESSION } from '../support/session-fixture.ts'

const { sid } = SESSION
const MINE = { sid, isUseSealed: true }
const ANOTHER = { sid: sidOf(OTHER_SESSION_ID), isUseSealed: true }
const OLD = new Uint8Array(32).fill(1)
const NEW = new Uint8Array(32).fill(2)

test('reads back the moment that it sealed', () => {
  const log = anomalyLog()
  const seal = createSeenSeal([OLD], log)
  for (const moment of [0, NOW - 1_000_000, NOW]) {
    expect(seal.read(MINE, storedText(seal.seal(MINE, moment)), NOW)).toBe(moment)
  }
  expect(seal.read(MINE, { kind: 'absent' }, NOW)).toBe(0)
  expect(log.reported).toEqual([])
})

test('has the form that sidecars of any later version must read', () => {
  expect(createSeenSeal([OLD], anomalyLog()).seal(MINE, NOW)).toBe(
    '1800000000.tDSsxdmLIYp5iOD4hw8PvpEwbAZzuisH_uJ6bR2fq1s',
  )
})

test('takes a moment of the clock of another sidecar that is up to 30 s ahead', () => {
  const seal = createSeenSeal([OLD], anomalyLog())
  expect(seal.read(MINE, storedText(seal.seal(MINE, NOW + 29)), NOW)).toBe(NOW + 29)
  expect(seal.read(MINE, storedText(seal.seal(MINE, NOW + 30)), NOW)).toBe(0)
})

test('a new key seals, and the key before is still read', () => {
  const before = createSeenSeal([OLD], anomalyLog())
  const both = createSeenSeal([NEW, OLD], anomalyLog())
  const log = anomalyLog()
  const after = createSeenSeal([NEW], log)
  expect(both.read(MINE, storedText(before.seal(MINE, NOW)), NOW)).toBe(NOW)
  expect(after.read(MINE, storedText(both.seal(MINE, NOW)), NOW)).toBe(NOW)
  expect(after.read(MINE, storedText(before.seal(MINE, NOW)), NOW)).toBe(0)
  expect(log.reported).toEqual([`unsealed ${seenKey(sid)}`])
})

test.each([
  ['a moment of another session', createSeenSeal([OLD], anomalyLog()).seal(ANOTHER, NOW)],
  ['a moment under the key of the records', `${NOW}.${macUnder(OLD, `${sid}\n${NOW}`)}`],
  ['a moment under no key', `${NOW}.${macUnder(new Uint8Array(0), `${sid}\n${NOW}`)}`],
])('does not read %s', (_, text) => {
  const log = anomalyLog()
  expect(createSeenSeal([OLD], log).read(MINE, storedText(text), NOW)).toBe(0)
  expect(log.reported).toEqual([`unsealed ${seenKey(sid)}`])
})

test('does not read a sealed moment of which one character was changed', () => {
  const seal = createSeenSeal([OLD], anomalyLog())
  const text = seal.seal(MINE, NOW - 5)
  for (let at = 0; at < text.length; at += 1) {
    for (const character of ['0', '1', 'A', 'B', '.', '\n']) {
      const changed = `${text.slice(0, at)}${character}${text.slice(at + 1)}`
      if (changed === text) continue
      expect(seal.read(MINE, storedText(changed), NOW), changed).toBe(0)
    }
  }
})

test.each(['', '0', String(NOW), `${NOW}.`, `${NOW}.x`, ` ${NOW}`, `${NOW}\n`, '__proto__', 'NaN'])(
  'does not read %j, and reports its form',
  (text) => {
    const log = anomalyLog()
    expect(createSeenSeal([OLD], log).read(MINE, storedText(text), NOW)).toBe(0)
    expect(log.reported).toEqual([`malformed ${seenKey(sid)}`])
  },
)

test('does not read a key of another type, and reports it', () => {
  const log = anomalyLog()
  expect(createSeenSeal([OLD], log).read(MINE, WRONG_TYPE, NOW)).toBe(0)
  expect(log.reported).toEqual([`wrong-type ${seenKey(sid)}`])
})

test('writes and reads plain moments for a session of an earlier version alone', () => {
  const seal = createSeenSeal([OLD], anomalyLog())
  const earlier = { sid, isUseSealed: false }
  expect(seal.seal(earlier, NOW)).toBe(String(NOW))
  expect(seal.read(earlier, storedText(String(NOW)), NOW)).toBe(NOW)
  expect(seal.read(earlier, storedText(String(NOW + 30)), NOW)).toBe(0)
  expect(seal.read(MINE, storedText(String(NOW)), NOW)).toBe(0)
})

test('the record says of which version a session is, and no writer of Redis can say so', () => {
  const { isUseSealed: _, ...earlier } = JSON.parse(encodeSession(SESSION))
  expect(decodeSession(JSON.stringify(earlier))?.isUseSealed).toBe(false)
  expect(decodeSession(encodeSession(SESSION))?.isUseSealed).toBe(true)
})

function macUnder(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
