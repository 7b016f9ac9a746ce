import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { redisCli } from '../harness/commands.ts'
import { sidecarLog } from '../harness/processes.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { expectAllowed, expectRefused, unrevokeAll } from './revoking.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(() => stack.close())

const WRONG_TYPES = [
  ['hash', ['HSET', '<key>', 'field', '0']],
  ['list', ['RPUSH', '<key>', '0']],
  ['set', ['SADD', '<key>', '0']],
  ['zset', ['ZADD', '<key>', '0', 'member']],
  ['stream', ['XADD', '<key>', '*', 'field', '0']],
] as const

describe('a revocation key of the wrong type refuses, is counted and logged', () => {
  it.each(WRONG_TYPES)(
    'a revocation key of the wrong type refuses, is counted and logged: %s under a subject',
    async (_type, command) => {
      const { sub, bearer } = await freshToken()
      const key = `bg:revoked:subject:demo|${sub}`
      const counted = await anomalies('wrong-type')

      await redisCli(stack.info, ...command.map((word) => word.replace('<key>', key)))
      await expectRefused(stack, bearer, 'token-revoked')
      expect(await anomalies('wrong-type')).toBe(counted + 6)

      await redisCli(stack.info, 'DEL', key)
      await expectAllowed(stack, bearer)
    },
  )

  it.each([
    'token:demo|<jti>',
    'client:demo|demo-mint',
    'issuer:demo',
    'idp-session:demo|<sid>',
    'all',
  ])(
    'a revocation key of the wrong type refuses, is counted and logged: a list under %s',
    async (template) => {
      const { jti, sid, bearer } = await freshToken()
      const key = `bg:revoked:${template.replace('<jti>', jti).replace('<sid>', sid)}`

      const counted = await anomalies('wrong-type')

      await stack.redis.rpush(key, '0')
      await expectRefused(stack, bearer, 'token-revoked')
      expect(await anomalies('wrong-type')).toBe(counted + 6)
    },
  )

  it('a revocation key of the wrong type refuses, is counted and logged: a hash under a session', async () => {
    const { id, sid } = await makeSession(stack)
    await stack.redis.hset(`bg:revoked:session:${sid}`, 'field', '0')
    await expectRefused(stack, { credential: id }, 'session-revoked')
  })

  it('a revocation key of the wrong type refuses, is counted and logged: a hash in the place of the session itself', async () => {
    const { id, sid } = await makeSession(stack)
    await stack.redis.del(`bg:session:${sid}`)
    await stack.redis.hset(`bg:session:${sid}`, 'field', '0')
    const counted = await anomalies('wrong-type')

    await expectRefused(stack, { credential: id }, 'session-unknown')
    expect(await anomalies('wrong-type')).toBe(counted + 6)
    await stack.redis.del(`bg:session:${sid}`)
  })
})

describe('a value that is no moment refuses, is counted and logged', () => {
  it.each([
    '',
    ' ',
    'false',
    'NaN',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x1',
    ' 1',
    '1\n',
    '1\0',
    '__proto__',
    '\u0661',
    '1234567890123',
    '{"since":0}',
  ])('a value that is no moment refuses, is counted and logged: %j', async (value) => {
    const { sub, bearer } = await freshToken()
    const key = `bg:revoked:subject:demo|${sub}`
    const counted = await anomalies('malformed')

    await stack.redis.set(key, value)
    await expectRefused(stack, bearer, 'token-revoked')
    expect(await anomalies('malformed')).toBe(counted + 6)
  })
})

describe('a bad value of a revocation key is logged with the key', () => {
  it.each([
    ['malformed', ['SET', '<key>', 'no moment']],
    ['wrong-type', ['SADD', '<key>', '0']],
  ])(
    'a bad value of a revocation key is logged with the key: %s, once a second and worker at most',
    async (kind, command) => {
      const { sub, bearer } = await freshToken()
      const key = `bg:revoked:subject:demo|${sub}`
      await expect.poll(() => isQuiet(kind), { timeout: 5000 }).toBe(true)

      await redisCli(stack.info, ...command.map((word) => word.replace('<key>', key)))
      await expectRefused(stack, bearer, 'token-revoked')
      await expect.poll(() => logged(kind).map((line) => line['key'])).toContain(key)
      const lines = logged(kind).filter((line) => line['key'] === key)
      expect(lines.length).toBeLessThanOrEqual(2)
    },
  )
})

async function freshToken(): Promise<{
  sub: string
  jti: string
  sid: string
  bearer: { credential: string }
}> {
  const [sub, jti, sid] = [`s-${randomUUID()}`, randomUUID(), randomUUID()]
  return {
    sub,
    jti,
    sid,
    bearer: { credential: await stack.mint({ sub, jti, sid, groups: ['analysts'] }) },
  }
}

async function anomalies(kind: string): Promise<number> {
  return (await stack.metrics()).get(`brickgate_state_anomalies_total{kind="${kind}"}`) ?? 0
}

function logged(kind: string): ReturnType<typeof sidecarLog> {
  return sidecarLog(stack.info).filter((line) => line['kind'] === kind)
}

/**
 * Whether no worker logged one of this kind within the last second, so that the next is not left
 * out.
 */
function isQuiet(kind: string): boolean {
  const last = logged(kind).at(-1)
  return last === undefined || Date.now() - Date.parse(String(last['time'])) > 1100
}
