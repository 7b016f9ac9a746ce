import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate } from '../harness/commands.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { epochSeconds, expectAllowed, expectRefused, unrevokeAll } from './revoking.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(() => stack.close())

const SKEW = 5 // clock_skew_s, which is granted to the revocation

describe('a revocation of a subject, by when it holds and when the token was issued', () => {
  it.each([
    ['refuses a token issued long before', { iat: -600 }, -100, 'refused'],
    ['refuses a token issued at that second', { iat: -100 }, -100, 'refused'],
    ['refuses a token issued within the clock skew', { iat: -100 + SKEW }, -100, 'refused'],
    ['lets a later sign-in work', { iat: -100 + SKEW + 1 }, -100, 'allowed'],
    ['in the future refuses a token issued now', { iat: 0 }, 3600, 'refused'],
    ['of the far future refuses', { iat: 0 }, 900_000_000_000, 'refused'],
    [
      'refuses a refreshed token of an older sign-in',
      { iat: -50, auth_time: -600 },
      -100,
      'refused',
    ],
    [
      'lets a token refreshed after a later sign-in work',
      { iat: 0, auth_time: -90 },
      -100,
      'allowed',
    ],
    ['at the epoch refuses nobody', { iat: -600 }, -Infinity, 'allowed'],
  ] as const)(
    'a revocation of a subject counts by its moment and the token’s: %s',
    async (_name, times, value, expected) => {
      const now = epochSeconds()
      const sub = `s-${randomUUID()}`
      const absolute = Object.entries(times).map(([claim, offset]) => [claim, now + offset])
      const claims = { sub, groups: ['analysts'], exp: now + 600, ...Object.fromEntries(absolute) }
      const bearer = { credential: await stack.mint(claims) }

      await stack.redis.set(`bg:revoked:subject:demo|${sub}`, String(Math.max(0, now + value)))

      if (expected === 'allowed') await expectAllowed(stack, bearer)
      else await expectRefused(stack, bearer, 'token-revoked')
    },
  )
})

it('a token with iat 30 s ahead never survives revoke subject', async () => {
  const sub = `alice smith ${randomUUID()}`
  const now = epochSeconds()
  const ahead = { iat: now + 30, nbf: now, exp: now + 600 }
  const bearer = { credential: await stack.mint({ sub, groups: ['analysts'], ...ahead }) }
  const kept = { credential: await stack.mint({ sub, groups: ['analysts'], iat: now + SKEW - 1 }) }
  await expectRefused(stack, bearer, 'token-not-yet-valid')
  await expectAllowed(stack, kept)

  const subject = `demo|${sub.replaceAll(' ', '%20')}`
  const { code } = await brickgate(stack.info, 'revoke', 'subject', subject)
  expect(code).toBe(0)

  await expectRefused(stack, bearer, 'token-not-yet-valid')
  await expectRefused(stack, kept, 'token-revoked')
})

describe('a revocation of everything, by when a session signed in', () => {
  it.each([
    ['refuses an older session', -600, 'refused'],
    ['lets a later session work', -100 + SKEW + 1, 'allowed'],
  ] as const)(
    'a revocation of everything counts by the moment of the sign-in: %s',
    async (_name, signIn, expected) => {
      const now = epochSeconds()
      const { id } = await makeSession(stack, { session: { signInSeconds: now + signIn } })

      await stack.redis.set('bg:revoked:all', String(now - 100))

      if (expected === 'allowed') await expectAllowed(stack, { credential: id })
      else await expectRefused(stack, { credential: id }, 'session-revoked')
    },
  )
})
