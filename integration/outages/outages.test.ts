import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EndpointStats } from '../../demo/idp/endpoint-gate.ts'
import { accessLines, type StackClient, stackClient } from '../harness/client.ts'
import { redisCli } from '../harness/commands.ts'
import {
  type LogLine,
  type ProcessName,
  pidOf,
  sidecarLog,
  start,
  stop,
} from '../harness/processes.ts'
import { makeSession } from '../harness/sessions.ts'
import { stackFile, startStack, stopStack } from '../harness/stack.ts'
import { createVisitor, type Visitor } from '../sign-in/browser.ts'
import { callbackOf, pageOf } from '../sign-in/callbacks.ts'
import { expectComeAgain, expectServedAgain, timed } from './unavailable.ts'

const WITHIN_MS = 2500
const WAIT = { timeout: 10_000 }

let stack: StackClient
let token: string
let revoked: string
let session: string

beforeAll(async () => {
  stack = stackClient(await startStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  revoked = await stack.mint({ sub: 'mallory', groups: ['analysts'] })
  session = (await makeSession(stack)).id
  await stack.redis.set('bg:revoked:subject:demo|mallory', Math.ceil(Date.now() / 1000))
})

// the workspace may be stopped
beforeEach(() => stack.forgetUpstreamRequests().catch(() => undefined))

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe('an egress under SIGSTOP', () => {
  beforeAll(async () => {
    await expectServedAgain(stack, token)
    signal('egress', 'SIGSTOP')
    const frozen = (line: LogLine): boolean =>
      line.msg === 'the egress takes connections and does not answer; requests get 503'
    const { workers } = stack.info.config.runtime
    const report = (): number =>
      new Set(sidecarLog(stack.info).flatMap((line) => (frozen(line) ? [line.part] : []))).size
    await vi.waitUntil(() => report() === workers + 1, { timeout: 20_000, interval: 100 })
  })

  afterAll(() => signal('egress', 'SIGCONT'))

  it('an egress under SIGSTOP is not waited for: a permitted request is answered with 503 and Retry-After', async () => {
    const { answer, tookMs } = await timed(stack, token)
    expectComeAgain(answer)
    expect(tookMs).toBeLessThan(WITHIN_MS)
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit).toMatchObject({ decision: 'deny', reason: 'egress-unavailable' })
  })

  it('an egress under SIGSTOP serves again as soon as it goes on', async () => {
    signal('egress', 'SIGCONT')
    await expectServedAgain(stack, token)
  })
})

describe.each([
  ['stopped', () => stop(stack.info, 'redis'), () => start(stack.info, 'redis')],
  ['under SIGSTOP', () => signal('redis', 'SIGSTOP'), () => signal('redis', 'SIGCONT')],
] as const)('Redis %s', (_name, begin, end) => {
  let browser: Visitor
  let callback: URL

  beforeAll(async () => {
    await expectServedAgain(stack, token)
    await expectServedAgain(stack, session)
    browser = createVisitor(stack)
    callback = await callbackOf(browser)
    await begin()
    const { max_staleness_ms } = stack.info.config.revocation
    await new Promise((resolve) => setTimeout(resolve, max_staleness_ms))
  })

  it.each([
    ['a token seen before', () => token],
    ['a revoked token', () => revoked],
    ['a session', () => session],
    ['a session that never was', () => `bgs_${'A'.repeat(43)}`],
  ])(
    'during an outage of Redis, %s gets 503 and a whole Retry-After within 2.5 s, and nothing goes upstream',
    async (_credential, credential) => {
      const { answer, tookMs } = await timed(stack, credential())

      expectComeAgain(answer)
      expect(tookMs).toBeLessThan(WITHIN_MS)
      const audit = await stack.auditOf(String(answer.headers['x-request-id']))
      expect(audit).toMatchObject({ decision: 'deny', reason: 'state-unavailable' })
      expect(await stack.upstreamRequests()).toEqual([])
    },
  )

  it('during an outage of Redis, 30 requests at once get 503 within 2.5 s', async () => {
    const requests = Array.from({ length: 30 }, () => timed(stack, token))
    for (const { answer, tookMs } of await Promise.all(requests)) {
      expectComeAgain(answer)
      expect(tookMs).toBeLessThan(WITHIN_MS)
    }
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('during an outage of Redis, the callback of a sign-in gets a page of 503, and no code is redeemed', async () => {
    await stack.idp('DELETE', 'stats')
    const response = await browser.load(callback)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await pageOf(response)).toContain('Sign-in is not available')
    expect(browser.sessionId()).toBe('')
    expect((await stack.idp('GET', 'stats')) as EndpointStats).toMatchObject({ token: 0 })
  })

  it('during an outage of Redis, an expired token is still told from a token that cannot be judged', async () => {
    const exp = Math.floor(Date.now() / 1000) - 60
    const expired = await stack.mint({ sub: 'alice', iat: exp - 60, exp })
    expect((await timed(stack, expired)).answer.status).toBe(401)
  })

  it('/readyz and brickgate_redis_up report an outage of Redis, while /healthz is well', async () => {
    const ready = await stack.admin('/readyz')
    expect(ready.status).toBe(503)
    expect(JSON.parse(ready.body)).toMatchObject({
      status: 'not ready',
      redis: { ok: false, up: false, eviction_policy: null },
      keys: { ok: true },
    })
    expect((await stack.admin('/healthz')).status).toBe(200)
    await redisUpBecomes(0)
  })

  it('an outage of Redis is over as soon as Redis answers again, without a restart of the sidecar', async () => {
    const sidecar = pidOf(stack.info, 'sidecar')
    await end()

    await expectServedAgain(stack, token)
    await expectServedAgain(stack, session)
    expect((await timed(stack, revoked)).answer.status).toBe(401)
    expect((await browser.load(callback)).status).toBe(303) // the same code counts now
    await expect.poll(async () => (await stack.admin('/readyz')).status, WAIT).toBe(200)
    await redisUpBecomes(1)
    expect(pidOf(stack.info, 'sidecar')).toBe(sidecar)
  })
})

describe('an eviction policy that could un-revoke is not ready, and /readyz names it', () => {
  it.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])(
    'an eviction policy that could un-revoke is not ready, and /readyz names it: %s',
    async (policy) => {
      await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory-policy', policy)
      const ready = await stack.admin('/readyz')
      await redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction')

      expect(ready.status).toBe(503)
      expect(JSON.parse(ready.body)).toMatchObject({
        status: 'not ready',
        redis: { ok: false, up: true, eviction_policy: policy },
      })
      expect((await stack.admin('/readyz')).status).toBe(200)
    },
  )
})

interface Outage {
  readonly name: string
  /** its reason in the access log */
  readonly reason: string
  readonly begin: () => unknown
  readonly end: () => unknown
}

const OUTAGES: readonly Outage[] = [
  { name: 'the sidecar is stopped', reason: 'authorizer-unavailable', ...stopping('sidecar') },
  { name: 'the egress is stopped', reason: 'egress-unavailable', ...stopping('egress') },
  { name: 'the workspace is stopped', reason: '-', ...stopping('workspace') },
  {
    name: 'the sidecar hangs',
    reason: 'authorizer-timeout',
    begin: () => signal('sidecar', 'SIGSTOP'),
    end: () => signal('sidecar', 'SIGCONT'),
  },
]

describe.each(OUTAGES)('while $name', ({ name, reason, begin, end }) => {
  const isJudged = !name.startsWith('the sidecar')
  const secret = randomUUID()

  beforeAll(async () => {
    await expectServedAgain(stack, token)
    await begin()
  })

  it('during an outage, requests are answered with a 503 of the native form, and Retry-After', async () => {
    const { answer, tookMs } = await timed(stack, token, `?code=${secret}`)
    expectComeAgain(answer)
    expect(tookMs).toBeLessThan(10_000)
    expect(await stack.upstreamRequests().catch(() => [])).toEqual([])
    const id = String(answer.headers['x-request-id'])
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    if (isJudged) expect((await stack.auditOf(id)).reason).toBe('allowed')
    await expect
      .poll(() => accessLines(stack.info).find((line) => line['request_id'] === id), {
        timeout: 15_000,
      })
      .toMatchObject({ status: 503, reason, path: '/api/2.1/clusters/list', method: 'GET' })
  })

  it('after an outage, requests are served again', async () => {
    await end()
    await expectServedAgain(stack, token)
  })

  it('during an outage, no log repeats what the client asked for', () => {
    for (const log of ['access', 'lighttpd', 'lighttpd-error', 'egress', 'sidecar', 'audit']) {
      expect(stackFile(stack.info, `logs/${log}.log`)).not.toContain(secret)
    }
  })
})

/** Of all processes, those without a request included. */
async function redisUpBecomes(value: 0 | 1): Promise<void> {
  await expect.poll(async () => (await stack.metrics()).get('brickgate_redis_up'), WAIT).toBe(value)
}

function stopping(name: ProcessName): Pick<Outage, 'begin' | 'end'> {
  return { begin: () => stop(stack.info, name), end: () => start(stack.info, name) }
}

/** Sends a signal to a process and all processes of its group. */
function signal(name: ProcessName, sent: NodeJS.Signals): void {
  process.kill(-pidOf(stack.info, name), sent)
}
