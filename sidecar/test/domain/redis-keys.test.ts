import { expect, it } from 'vitest'
import { seenKey, sessionKey, subjectSessionsKey } from '../../src/domain/redis-keys.ts'

it('keys have the names that operators delete', () => {
  expect(sessionKey('ab')).toBe('bg:session:ab')
  expect(seenKey('ab')).toBe('bg:seen:ab')
  expect(subjectSessionsKey('okta|00u1')).toBe('bg:subject-sessions:okta|00u1')
})
