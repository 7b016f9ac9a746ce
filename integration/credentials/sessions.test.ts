import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden, unauthorized, unavailable } from '../harness/refusals.ts'
import {
  type MadeSession,
  makeSession,
  type SessionWishes,
  sealedSeen,
} from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'

const PATH = '/api/2.1/clusters/list'
const NOW = Math.floor(Date.now() / 1000)

let stack: StackClient
const made: MadeSession[] = []

beforeAll(() => {
  stack = stackClient(sharedStack())
})

beforeEach(() => stack.forgetUpstreamRequests())

afterEach(async () => {
  const keys = made.flatMap(({ sid }) => [`bg:session:${sid}`, `bg:seen:${sid}`])
  if (keys.length > 0) await stack.redis.del(keys)
  made.length = 0
})

afterAll(() => stack.close())

async function session(wishes: SessionWishes = {}): Promise<MadeSession> {
  const one = await makeSession(stack, wishes)
  made.push(one)
  return one
}

function sendCookie(id: string, others: readonly string[] = []): Promise<Answer> {
  const cookie = [`__Host-brickgate=${id}`, ...others].join('; ')
  return stack.send(PATH, { headers: { cookie } })
}

describe('a session is accepted', () => {
  it('a session is accepted as cookie and as bearer, and its stored access token goes upstream', async () => {
    const { id, sid } = await session({ accessToken: await stack.mint({ sub: 'stored' }) })
    const stored = `Bearer ${made[0]?.session.accessToken?.token ?? ''}`

    expect((await sendCookie(id)).status).toBe(200)
    expect((await stack.sendAs(id, PATH)).status).toBe(200)

    const requests = await stack.upstreamRequests()
    expect(requests.map((request) => valuesOf(request, 'authorization'))).toEqual([
      [stored],
      [stored],
    ])
    expect(requests.map((request) => valuesOf(request, 'x-forwarded-user'))).toEqual([
      ['alice'],
      ['alice'],
    ])
    const audit = await stack.auditOf(requestIdOf(requests[0]))
    expect(audit).toMatchObject({ reason: 'allowed', session: sid, subject: 'demo|alice' })
  })

  it('a session’s own id, in any place, never reaches the workspace, and other cookies do', async () => {
    const { id } = await session()
    const { id: another } = await session()

    await sendCookie(id, [
      'theme=dark',
      `copy=${another}`,
      `=__Host-brickgate=${another}`,
      'lang=de',
    ])
    await stack.sendAs(id, PATH, { headers: { cookie: `a=1; stolen=${id}` } })

    const [byCookie, byBearer, ...further] = await stack.upstreamRequests()
    expect(further).toEqual([])
    expect(valuesOf(byCookie, 'cookie')).toEqual(['theme=dark; lang=de'])
    expect(valuesOf(byBearer, 'cookie')).toEqual(['a=1'])
    const seen = JSON.stringify([byCookie, byBearer])
    expect(seen).not.toContain('bgs_')
    expect(seen).not.toContain('__Host-brickgate')
  })

  it('a session is accepted after a long time when it was seen lately', async () => {
    const { id, sid } = await session({ session: { createdAtSeconds: NOW - 7200 } })
    await stack.redis.set(`bg:seen:${sid}`, sealedSeen(stack, sid, NOW - 60), 'EX', 600)

    expect((await sendCookie(id)).status).toBe(200)
  })
})

describe('a session without a live access token is refused as unavailable when it', () => {
  const expiresAtSeconds = NOW - 1

  it.each([
    ['holds none', null],
    ['holds one that expired', { token: 'eyJ.eyJ.x', expiresAtSeconds, tokenId: null }],
  ])(
    'a session without a live access token is refused as unavailable when it %s',
    async (_, accessToken) => {
      const { id } = await session({ session: { accessToken } })

      const refusal = unavailable('upstream-credential-unavailable')
      expect(await auditedRefusal(stack, await sendCookie(id))).toEqual(refusal)
    },
  )
})

describe('a session is refused', () => {
  it('a session is refused as unknown after DEL, on the next request', async () => {
    const { id, sid } = await session()
    expect((await sendCookie(id)).status).toBe(200)

    expect(await stack.redis.del(`bg:session:${sid}`)).toBe(1)
    await stack.forgetUpstreamRequests()
    expect(await auditedRefusal(stack, await sendCookie(id))).toEqual(
      unauthorized('session-unknown'),
    )
    expect(await auditedRefusal(stack, await stack.sendAs(id, PATH))).toEqual(
      unauthorized('session-unknown'),
    )
  })

  it('a session is refused on the tier where it was not made', async () => {
    const { id: internal } = await session()
    const { id: external } = await session({ session: { tier: 'external' } })
    const onExternal = { headers: { cookie: `__Host-brickgate=${internal}` } }

    const wrong = forbidden('session-wrong-tier')
    expect(await auditedRefusal(stack, await sendCookie(external))).toEqual(wrong)
    expect(await auditedRefusal(stack, await stack.sendAs(external, PATH))).toEqual(wrong)
    const answer = await send(stack.listener('external'), PATH, onExternal)
    expect(await auditedRefusal(stack, answer)).toEqual(wrong)
  })

  it.each([
    ['after its absolute expiry', { expiresAtSeconds: NOW - 1 }, null],
    ['after the idle timeout', { createdAtSeconds: NOW - 3600 }, null],
    ['when it was last seen before the idle timeout', { createdAtSeconds: NOW - 7200 }, NOW - 3600],
    ['when it was seen only in the future', { createdAtSeconds: NOW - 7200 }, NOW + 7200],
    ['after its absolute expiry, though just seen', { expiresAtSeconds: NOW - 1 }, NOW],
  ])('a session is refused %s', async (_, times, seenSeconds) => {
    const { id, sid } = await session({ session: times })
    if (seenSeconds !== null) {
      await stack.redis.set(`bg:seen:${sid}`, sealedSeen(stack, sid, seenSeconds), 'EX', 600)
    }

    expect(await auditedRefusal(stack, await sendCookie(id))).toEqual(
      unauthorized('session-expired'),
    )
  })
})
