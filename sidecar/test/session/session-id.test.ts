import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { seenKey, sessionKey, subjectSessionsKey } from '../../src/domain/redis-keys.ts'
import { sessionIdFrom, sidOf } from '../../src/session/session-id.ts'

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

test('keys have the names that operators delete', () => {
  expect(sessionKey('ab')).toBe('bg:session:ab')
  expect(seenKey('ab')).toBe('bg:seen:ab')
  expect(subjectSessionsKey('okta|00u1')).toBe('bg:subject-sessions:okta|00u1')
})
