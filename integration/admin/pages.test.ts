import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepts } from '../../launch/probe.ts'
import { type Listener, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'

let stack: StackClient
let admin: string

beforeAll(() => {
  stack = stackClient(sharedStack())
  admin = `http://127.0.0.1:${stack.info.demo.ports.admin}`
})

afterAll(() => stack.close())

describe('the admin server', () => {
  it('the admin server says on /healthz that a worker serves', async () => {
    expect(await stack.admin('/healthz')).toEqual({ status: 200, body: '{"status":"alive"}\n' })
  })

  it('the admin server says on /readyz how each part is', async () => {
    const { status, body } = await stack.admin('/readyz')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      status: 'ready',
      redis: {
        ...{ ok: true, up: true, eviction_policy: 'noeviction', needs_password: false },
        warning: expect.stringMatching(/^redis needs no password: /),
      },
      keys: { ok: true, demo: { ok: true, age_s: expect.any(Number) } },
      workers: { ok: true, ready: 3, configured: 3 },
    })
  })

  it.each(['/', '/metrics/', '/Metrics', '//metrics', '/debug/pprof', '/config'])(
    'the admin server has no page %s',
    async (path) => {
      expect((await stack.admin(path)).status).toBe(404)
    },
  )

  it.each(['/metrics', '/healthz', '/readyz'])(
    'the admin server answers HEAD of %s without a body',
    async (path) => {
      const response = await fetch(admin + path, { method: 'HEAD' })
      expect([response.status, await response.text()]).toEqual([200, ''])
    },
  )

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])(
    'the admin server answers %s with 405, and says what it takes',
    async (method) => {
      for (const path of ['/metrics', '/healthz', '/readyz', '/nothing']) {
        const response = await fetch(admin + path, { method })
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      }
    },
  )

  it('the admin server listens on loopback only', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
    for (const { address } of others) {
      expect(await accepts(`${address}:${stack.info.demo.ports.admin}`)).toBe(false)
    }
    expect(await accepts(`127.0.0.1:${stack.info.demo.ports.admin}`)).toBe(true)
  })
})

describe('no path through lighttpd reaches the admin pages', () => {
  it.each([
    '/metrics',
    '/healthz',
    '/readyz',
    '/_brickgate/metrics',
    '/_brickgate/healthz',
    '/_brickgate/readyz',
    '/_brickgate/../metrics',
    '/_brickgate/%2e%2e/metrics',
    '/_brickgate//metrics',
    '/_brickgate/admin/metrics',
    '//metrics',
    '/%6detrics',
  ])('no path through lighttpd reaches the admin pages: %s', async (path) => {
    const token = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
    const absolute = `http://127.0.0.1:${stack.info.demo.ports.admin}${path}`
    for (const edge of stack.info.edges) {
      for (const tier of ['internal', 'external'] as const) {
        await expectNoAdminPage(token, path, stack.listener(tier, edge))
        await expectNoAdminPage(token, absolute, stack.listener(tier, edge))
      }
    }
  })

  async function expectNoAdminPage(token: string, path: string, listener: Listener): Promise<void> {
    const answer = await send(listener, path, { headers: { authorization: `Bearer ${token}` } })
    expect([400, 404]).toContain(answer.status)
    expect(answer.body).not.toMatch(/brickgate_|"ready"|alive/)
  }
})
