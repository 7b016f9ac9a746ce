import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  behindSentinels,
  inCluster,
  overTls,
  type RedisDeployment,
} from '../../sidecar/test/support/redis-deployments.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate } from '../harness/commands.ts'
import { reloadWith } from '../harness/reload.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { createVisitor } from '../sign-in/browser.ts'

const PATH = '/api/2.1/clusters/list'
const LIMIT_MS = 2000

/** All with the users of docs/redis.md and no other rights. */
const DEPLOYMENTS: readonly (readonly [string, () => Promise<RedisDeployment>])[] = [
  ['one Redis over TLS', overTls],
  ['a primary behind Sentinels', behindSentinels],
  ['a Cluster', inCluster],
]

describe.each(DEPLOYMENTS)('a gateway on %s', (_, start) => {
  let deployment: RedisDeployment
  let stack: StackClient

  beforeAll(async () => {
    deployment = await start()
    stack = stackClient(await startStack({ config: { redis: deployment.redis } }))
  })

  afterAll(async () => {
    stack.close()
    await stopStack(stack.info)
    await deployment.stop()
  })

  const statusOf = async (token: string): Promise<number> =>
    (await stack.sendAs(token, PATH)).status

  const mint = (subject: string): Promise<string> =>
    stack.mint({ sub: subject, groups: ['analysts'] })

  it('a gateway on each kind of Redis is ready', async () => {
    const { status, body } = await stack.admin('/readyz')
    expect(body).toContain('"eviction_policy":"noeviction"')
    // over TLS the default user is off, as docs/redis.md has it
    expect(body).toContain(`"needs_password":${String(start === overTls)}`)
    expect(status).toBe(200)
  })

  it('a gateway on each kind of Redis serves from its near cache, and refuses at once what an operator revokes', async () => {
    const token = await mint('someone')
    await expect.poll(() => statusOf(token)).toBe(200)
    await expect
      .poll(
        async () => {
          await statusOf(token)
          return (await stack.metrics()).get('brickgate_state_cache_hits_total')
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(5)

    const key = 'bg:revoked:subject:demo|someone'
    await deployment.command('SET', key, String(Math.ceil(Date.now() / 1000)), 'EX', '108000')
    const writtenMs = performance.now()
    await expect.poll(() => statusOf(token), { interval: 5, timeout: LIMIT_MS }).toBe(401)
    expect(performance.now() - writtenMs).toBeLessThan(LIMIT_MS)
    await deployment.command('DEL', key)
    await expect.poll(() => statusOf(token), { timeout: LIMIT_MS }).toBe(200)
  })

  it('a gateway on each kind of Redis has its commands: revoke, list, state', async () => {
    const token = await mint('other')
    expect(await statusOf(token)).toBe(200)
    const revoked = await brickgate(stack.info, 'revoke', 'subject', 'demo|other')
    expect([revoked.code, revoked.stderr]).toEqual([0, ''])
    await expect.poll(() => statusOf(token), { interval: 5, timeout: LIMIT_MS }).toBe(401)
    expect(await brickgate(stack.info, 'state', 'show')).toMatchObject({
      code: 0,
      stdout: 'nothing is lost\n',
    })
    expect((await brickgate(stack.info, 'sessions', 'list', '--json')).code).toBe(0)
  })

  it('a gateway on each kind of Redis makes, uses and ends a session for a program', async () => {
    const bearer = await mint('program')
    const made = await stack.sendAs(bearer, '/_brickgate/sessions', { method: 'POST' })
    expect(made.status).toBe(201)
    const { token } = JSON.parse(made.body) as { token: string }
    expect(await statusOf(token)).toBe(200)
    const ended = await stack.sendAs(token, '/_brickgate/sessions', { method: 'DELETE' })
    expect(ended.status).toBe(204)
    await expect.poll(() => statusOf(token), { interval: 5, timeout: LIMIT_MS }).toBe(401)
  })

  it('a gateway on each kind of Redis signs a browser in, which goes on after a reload of the policy', async () => {
    const browser = createVisitor(stack)
    expect((await browser.signIn('alice')).status).toBe(303)
    await reloadWith(stack, 'policy.yaml', (policy) => ({ ...policy }))
    await expect.poll(() => statusOf(browser.sessionId()), { timeout: LIMIT_MS }).toBe(200)
  })

  it('a gateway sends no command that its user of Redis may not run', async () => {
    expect(await deployment.command('ACL', 'LOG')).toEqual([])
  })
})
