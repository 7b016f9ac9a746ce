import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { isSid, sessionIdFrom, sidOf } from '../../src/session/session-id.ts'

test('an id is bgs_ and 256 bits of base64url', () => {
  expect(sessionIdFrom(new Uint8Array(32).fill(255))).toBe(`bgs_${'_'.repeat(42)}8`)
})

test('a sid is the SHA-256 of the whole id, prefix included', () => {
  const id = sessionIdFrom(new Uint8Array(32))
  expect(sidOf(id)).toBe(createHash('sha256').update(id).digest('hex'))
})

test('spellings of the same 256 bits are different sessions', () => {
  const id = sessionIdFrom(new Uint8Array(32))
  expect(sidOf(`${id.slice(0, -1)}B`)).not.toBe(sidOf(id))
})

test.each([
  ['0a'.repeat(32), true],
  ['0A'.repeat(32), false],
  ['0a'.repeat(31), false],
  [`${'0a'.repeat(32)}\n`, false],
  ['worker-1:heartbeat', false],
  ['', false],
])('whether %j has the form of a sid is %s', (text, isOne) => {
  expect(isSid(text)).toBe(isOne)
})
