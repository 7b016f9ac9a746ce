import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, redisCli } from '../harness/commands.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { startStack, stopStack } from '../harness/stack.ts'

const WAIT = { timeout: 10_000 }
const CLUSTERS = '/api/2.1/clusters/list'

let stack: StackClient
let token: string
let bobs: MadeSession
let carols: MadeSession

beforeAll(async () => {
  stack = stackClient(await startStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

async function fill(ratio: number): Promise<void> {
  const memory = await redisCli(stack.info, 'INFO', 'memory')
  const used = Number(/^used_memory:([0-9]+)/m.exec(memory)?.[1])
  await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory', String(Math.round(used / ratio)))
}

function open(): ReturnType<StackClient['send']> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return stack.send('/_brickgate/sessions', { method: 'POST', headers, body: '{}' })
}

async function ratio(): Promise<number | undefined> {
  return (await stack.metrics()).get('brickgate_redis_memory_ratio')
}

it('a Redis without maxmemory has no ratio, and sessions are made', async () => {
  expect(await ratio()).toBeUndefined()
  expect((await open()).status).toBe(201)
})

describe('a Redis at 95 % of its maxmemory', () => {
  beforeAll(() => fill(0.95))

  it('a Redis at 95 % of its maxmemory keeps what is left for revocations: no session is made, with a reason of its own', async () => {
    await expect.poll(async () => (await open()).status, WAIT).toBe(503)
    const answer = await open()
    expect(answer.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
    expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit).toMatchObject({ decision: 'deny', reason: 'state-full' })
    expect(await ratio()).toBeGreaterThan(0.9)
  })

  it('a Redis at 95 % of its maxmemory serves sessions and tokens, and takes revocations, at once', async () => {
    bobs = await makeSession(stack, { principal: { subject: 'bob' } })
    carols = await makeSession(stack, { principal: { subject: 'carol' } })
    expect((await stack.sendAs(bobs.id, CLUSTERS)).status).toBe(200)
    expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
    const revoked = await brickgate(stack.info, 'revoke', 'subject', 'demo|bob')
    expect(revoked).toMatchObject({ code: 0, stderr: '' })
    expect((await stack.sendAs(bobs.id, CLUSTERS)).status).toBe(401)
  })
})

describe('a full Redis', () => {
  beforeAll(() => redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory', '1'))

  it('a full Redis fails a revocation with words that say what to do', async () => {
    const failed = await brickgate(stack.info, 'revoke', 'subject', 'demo|carol')
    expect(failed.code).toBe(69)
    expect(failed.stderr).toMatch(/redis is full and took nothing: raise `maxmemory`/)
  })

  it('a full Redis un-revokes nobody, and lets a session be ended', async () => {
    expect((await stack.sendAs(bobs.id, CLUSTERS)).status).toBe(401)
    expect((await stack.sendAs(carols.id, CLUSTERS)).status).toBe(200)
    const ended = await brickgate(stack.info, 'sessions', 'revoke', carols.session.sid)
    expect(ended.code).toBe(0)
    await expect.poll(async () => (await stack.sendAs(carols.id, CLUSTERS)).status, WAIT).toBe(401)
  })
})

it('sessions are made again as soon as there is room', async () => {
  await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory', '0')
  await expect.poll(async () => (await open()).status, WAIT).toBe(201)
})
