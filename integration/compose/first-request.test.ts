import { beforeAll, describe, expect, inject, it } from 'vitest'
import { send } from '../harness/answer.ts'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

describe.skipIf(missing !== null)('the composed gateway', () => {
  let project: ComposeProject
  beforeAll(async () => {
    project = await composeProject('a', { sidecars: 2 })
  })

  it('the composed gateway allows what is permitted, with the verified identity and no other', async () => {
    await project.forgetUpstreamRequests()
    const answer = await send(project.listener(), '/api/2.1/clusters/list', {
      headers: {
        authorization: `Bearer ${project.setting('TOKEN_ALICE')}`,
        'x-forwarded-user': 'admin',
      },
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('"clusters"')
    const [seen] = await project.upstreamRequests()
    const users = seen?.headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-user')
    expect(users?.map(([, value]) => value)).toEqual(['alice'])
  })

  it.each([
    ['no token', null, 401, 'GET'],
    ['an expired token', 'TOKEN_EXPIRED', 401, 'GET'],
    ['a token for another service', 'TOKEN_WRONG_AUD', 401, 'GET'],
    ['what no policy permits', 'TOKEN_BOB', 403, 'POST'],
  ])('the composed gateway refuses %s', async (_what, name, status, method) => {
    await project.forgetUpstreamRequests()
    const token = name === null ? null : project.setting(name)
    const answer = await project.sendRequest(token, '/api/2.1/clusters/start', method)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toHaveProperty('error_code')
    expect(await project.upstreamRequests()).toEqual([])
  })

  it('the composed gateway serves both tiers and redirects from plain HTTP', async () => {
    const headers = { authorization: `Bearer ${project.setting('TOKEN_ALICE')}` }
    const external = await send(project.listener('external'), '/api/2.1/clusters/list', { headers })
    expect(external.status).toBe(200)
    const url = `http://127.0.0.1:${await portOf('8080')}/x`
    const plain = await fetch(url, { redirect: 'manual' })
    expect(plain.status).toBe(308)
    expect(plain.headers.get('location')).toBe(`${project.setting('BRICKGATE_URL')}/x`)
  })

  it('the composed gateway refuses on every sidecar what the command in a container revoked', async () => {
    const token = await project.mint({ sub: 'carol', groups: ['analysts'] })
    expect(await statuses(token)).toEqual([200, 200, 200, 200])
    await revoke('--reason', 'test')
    expect(await statuses(token)).toEqual([401, 401, 401, 401])
    await revoke('--undo')
    expect(await statuses(token)).toEqual([200, 200, 200, 200])
  })

  it('the composed gateway counts what it decided', async () => {
    const { body } = await project.admin('/metrics')
    expect(body).toMatch(/^brickgate_decisions_total\{[^}]*reason="allowed"[^}]*\} [1-9]/m)
    expect((await project.admin('/readyz')).status).toBe(200)
  })

  async function statuses(token: string): Promise<number[]> {
    const answers = await Promise.all([1, 2, 3, 4].map(() => project.sendRequest(token)))
    return answers.map(({ status }) => status)
  }

  async function revoke(...options: string[]): Promise<void> {
    const words = ['brickgate', 'revoke', 'subject', 'demo|carol', ...options]
    await project.compose('exec', '-T', 'sidecar', ...words)
  }

  async function portOf(inner: string): Promise<string> {
    const address = await project.compose('port', 'lighttpd', inner)
    return address.trim().split(':').at(-1) ?? ''
  }
})
