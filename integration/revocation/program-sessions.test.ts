import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, unauthorized } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { CLUSTERS, epochSeconds, unrevokeAll } from './revoking.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(() => stack.close())

const post = (credential: string) =>
  stack.sendAs(credential, '/_brickgate/sessions', {
    method: 'POST',
    headers: { 'content-length': '0' },
  })
const statusWith = async (credential: string): Promise<number> =>
  (await stack.sendAs(credential, CLUSTERS)).status

/** @returns the session's token */
async function made(credential: string): Promise<{ readonly token: string }> {
  const answer = await post(credential)
  expect(answer.status).toBe(201)
  return JSON.parse(answer.body) as { token: string }
}

describe('a session of a program dies with what it was made from: by a revocation of', () => {
  it.each([
    ['the token', 'token:demo|jti-<id>'],
    ['its subject', 'subject:demo|sub-<id>'],
    ['its client', 'client:demo|client-<id>'],
    ['its sign-in at the IdP', 'idp-session:demo|idp-<id>'],
    ['its issuer', 'issuer:demo'],
    ['everything', 'all'],
  ])(
    'a session of a program dies with what it was made from: by a revocation of %s',
    async (_, template) => {
      const { id, credential } = await freshToken({})
      const session = await made(credential)
      expect(await statusWith(session.token)).toBe(200)

      const key = `bg:revoked:${template.replace('<id>', id)}`
      await stack.redis.set(key, String(epochSeconds()), 'EX', 600)

      await expect.poll(() => statusWith(session.token)).toBe(401)
      await stack.forgetUpstreamRequests()
      const answer = await stack.sendAs(session.token, CLUSTERS)
      expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('session-revoked'))
      expect((await post(credential)).status).toBe(401)
    },
  )

  it('a session of a program dies by a revocation of a moment before it was made, when its token is older', async () => {
    const now = epochSeconds()
    const signIn = { iat: now - 300, exp: now + 600 }
    const older = await freshToken(signIn)
    const refreshed = await freshToken({ ...signIn, iat: now, auth_time: now - 300 })
    const newer = await freshToken({ iat: now, auth_time: now - 100, exp: now + 600 })
    const [a, b, c] = [
      await made(older.credential),
      await made(refreshed.credential),
      await made(newer.credential),
    ]

    await stack.redis.set('bg:revoked:all', String(now - 200), 'EX', 600)

    await expect.poll(() => statusWith(a.token)).toBe(401)
    await expect.poll(() => statusWith(b.token)).toBe(401)
    expect(await statusWith(c.token)).toBe(200)
  })
})

async function freshToken(claims: object): Promise<{ id: string; credential: string }> {
  const id = randomUUID()
  const names = {
    jti: `jti-${id}`,
    sub: `sub-${id}`,
    client_id: `client-${id}`,
    sid: `idp-${id}`,
  }
  return { id, credential: await stack.mint({ groups: ['analysts'], ...names, ...claims }) }
}
