import { createHash, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { redisCli } from '../harness/commands.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { CLUSTERS, epochSeconds, expectAllowed, expectRefused, unrevokeAll } from './revoking.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(() => stack.close())

describe('redis-cli SET of a revocation key refuses a token 50 ms later, and DEL ends that', () => {
  it.each([
    ['token', 'bg:revoked:token:demo|jti-', 'whatever'],
    ['subject', 'bg:revoked:subject:demo|sub-', 'now'],
    ['client', 'bg:revoked:client:demo|client-', 'now'],
    ['issuer', 'bg:revoked:issuer:demo', 'now'],
    ['idp-session', 'bg:revoked:idp-session:demo|sid-', 'now'],
    ['all', 'bg:revoked:all', 'now'],
  ])(
    'redis-cli SET of a revocation key refuses a token 50 ms later, and DEL ends that: %s',
    async (_name, prefix, value) => {
      const { id, bearer } = await freshToken()
      const key = prefix.endsWith('-') ? prefix + id : prefix
      await expectAllowed(stack, bearer)

      expect(await redisCli(stack.info, 'SET', key, atNow(value), 'EX', '108000')).toBe('OK')
      await expectRefused(stack, bearer, 'token-revoked')

      expect(await redisCli(stack.info, 'DEL', key)).toBe('1')
      await expectAllowed(stack, bearer)
    },
  )

  it('redis-cli SET of a revocation key refuses a token 50 ms later, and DEL ends that: the subject of client credentials', async () => {
    const id = `ci-${randomUUID()}`
    const bearer = {
      credential: await stack.mint({ sub: id, client_id: id, groups: ['analysts'] }),
    }
    await expectAllowed(stack, bearer)

    await redisCli(stack.info, 'SET', `bg:revoked:subject:demo|client:${id}`, atNow('now'))
    await expectRefused(stack, bearer, 'token-revoked')
  })

  it('redis-cli SET of a revocation key refuses a token 50 ms later, and DEL ends that: a token without jti, by the digest of its signing input in every spelling of it', async () => {
    const token = await stack.mint({ sub: 'alice', groups: ['analysts'], jti: null })
    await expectAllowed(stack, { credential: token })
    const signed = token.slice(0, token.lastIndexOf('.'))
    const id = `sha256:${createHash('sha256').update(signed).digest('hex')}`

    await redisCli(stack.info, 'SET', `bg:revoked:token:demo|${id}`, '1')
    await expectRefused(stack, { credential: token }, 'token-revoked')
    for (const spelling of spellings(token)) {
      expect((await stack.sendAs(spelling, CLUSTERS)).status).toBe(401)
    }
    expect(await stack.upstreamRequests()).toEqual([])
  })
})

describe('redis-cli refuses a session 50 ms later', () => {
  it.each([
    ['session', 'session-revoked', 'session:<sid>', 'whatever'],
    ['subject', 'session-revoked', 'subject:demo|<subject>', 'now'],
    ['token', 'session-revoked', 'token:demo|<token>', 'whatever'],
    ['client', 'session-revoked', 'client:demo|brickgate-signin', 'now'],
    ['idp-session', 'session-revoked', 'idp-session:demo|<idp>', 'now'],
    ['issuer', 'session-revoked', 'issuer:demo', 'now'],
    ['all', 'session-revoked', 'all', 'now'],
  ])(
    'redis-cli refuses a session 50 ms later by SET of its %s, and DEL ends that',
    async (_name, reason, template, value) => {
      const subject = `s-${randomUUID()}`
      const { id, sid, session } = await makeSession(stack, { principal: { subject } })
      const { tokenId, idpSession } = session.principal
      const key = `bg:revoked:${template}`
        .replace('<sid>', sid)
        .replace('<subject>', subject)
        .replace('<token>', tokenId)
        .replace('<idp>', String(idpSession))
      const bearer = { credential: id }
      await expectAllowed(stack, bearer)

      await redisCli(stack.info, 'SET', key, atNow(value), 'EX', '108000')
      await expectRefused(stack, bearer, reason)

      await redisCli(stack.info, 'DEL', key)
      await expectAllowed(stack, bearer)
    },
  )

  it('redis-cli refuses a session 50 ms later by DEL of its key', async () => {
    const { id, sid } = await makeSession(stack)
    await expectAllowed(stack, { credential: id })

    expect(await redisCli(stack.info, 'DEL', `bg:session:${sid}`)).toBe('1')
    await expectRefused(stack, { credential: id }, 'session-unknown')
  })

  it('redis-cli refuses a session 50 ms later by SET of its key to what another session holds', async () => {
    const [mine, other] = [await makeSession(stack), await makeSession(stack)]
    const record = await redisCli(stack.info, 'GET', `bg:session:${other.sid}`)

    await redisCli(stack.info, 'SET', `bg:session:${mine.sid}`, record)
    await expectRefused(stack, { credential: mine.id }, 'session-unknown')
    await expectAllowed(stack, { credential: other.id })
  })
})

it('a revocation of one is none of another', async () => {
  const { id } = await freshToken()
  const { bearer } = await freshToken()
  const keys = [`token:demo|jti-${id}`, `subject:demo|sub-${id}`, `client:demo|client-${id}`]
  for (const key of [...keys, `idp-session:demo|sid-${id}`, `subject:okta|sub-${id}`]) {
    await stack.redis.set(`bg:revoked:${key}`, atNow('now'))
  }
  await expectAllowed(stack, bearer)
})

async function freshToken(): Promise<{ id: string; bearer: { credential: string } }> {
  const id = randomUUID()
  const claims = { sub: `sub-${id}`, jti: `jti-${id}`, sid: `sid-${id}`, client_id: `client-${id}` }
  return { id, bearer: { credential: await stack.mint({ ...claims, groups: ['analysts'] }) } }
}

/** The last character of an RS256 signature carries four bits that say nothing. */
function spellings(token: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? '') & 0b110000
  return Array.from({ length: 16 }, (_, bits) => token.slice(0, -1) + alphabet.charAt(last | bits))
}

function atNow(value: string): string {
  return value === 'now' ? String(epochSeconds()) : value
}
