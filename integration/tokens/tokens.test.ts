import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DemoTokens, mintDemoTokens } from '../../demo/env.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden, unauthorized } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'

const CLUSTERS = '/api/2.1/clusters/list'

let stack: StackClient
let tokens: DemoTokens

beforeAll(async () => {
  stack = stackClient(sharedStack())
  tokens = await mintDemoTokens(stack.info.demo)
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe('a token of the demo passes:', () => {
  it.each([
    ['TOKEN_ALICE', CLUSTERS],
    ['TOKEN_BOB', CLUSTERS],
    ['TOKEN_ADMIN', CLUSTERS],
    ['TOKEN_CI', '/api/2.2/jobs/list'],
  ])('a token of the demo passes: %s at %s', async (name, path) => {
    const answer = await stack.sendAs(tokens[name] ?? '', path)

    expect(answer.status).toBe(200)
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await stack.upstreamRequests()).toHaveLength(1)
  })
})

describe('a token of a common provider passes:', () => {
  const now = (): number => Math.floor(Date.now() / 1000)
  const GROUPS = ['analysts']

  it.each<[string, () => object]>([
    ['with its groups as one text', () => ({ groups: 'analysts' })],
    ['with an empty group beside others', () => ({ groups: ['', 'analysts', ''] })],
    ['less than the leeway after its end', () => ({ iat: now() - 600, exp: now() - 30 })],
    ['less than the leeway before its begin', () => ({ nbf: now() + 30 })],
  ])('a token of a common provider passes: %s', async (_, claims) => {
    const token = await stack.mint({ sub: 'alice', groups: GROUPS, ...claims() })
    expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${token}`])
    expect(valuesOf(request, 'x-forwarded-groups')).toEqual(['analysts'])
  })

  it('a token of a common provider passes: with more groups than fit into a header, all of which policies judge by', async () => {
    const forged = {
      'x-brickgate-groups': 'none',
      'X-BRICKGATE-GROUPS': 'none',
      'x-forwarded-groups': 'platform-admins',
    }
    const many = Array.from({ length: 900 }, (_, at) => `group-${at}`.padEnd(12, '-'))
    const token = await stack.mint({ sub: 'alice', groups: [...many, 'analysts'] })

    expect((await stack.sendAs(token, CLUSTERS, { headers: forged })).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'x-brickgate-groups')).toEqual(['omitted'])
    expect(valuesOf(request, 'x-forwarded-groups')).toEqual([])
    expect(valuesOf(request, 'x-forwarded-user')).toEqual(['alice'])
    await stack.forgetUpstreamRequests()

    const few = await stack.mint({ sub: 'alice', groups: ['analysts'] })
    expect((await stack.sendAs(few, CLUSTERS, { headers: forged })).status).toBe(200)
    const [next] = await stack.upstreamRequests()
    expect(valuesOf(next, 'x-brickgate-groups')).toEqual([])
    expect(valuesOf(next, 'x-forwarded-groups')).toEqual(['analysts'])
  })

  it('a token of a common provider passes: with spaces in its subject, which the workspace and audit see as %20', async () => {
    const token = await stack.mint({ sub: 'alice smith 100%', groups: GROUPS })
    expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'x-forwarded-user')).toEqual(['alice%20smith%20100%25'])
    const audit = await stack.auditOf(requestIdOf(request))
    expect(audit).toMatchObject({ subject: 'demo|alice%20smith%20100%25' })
  })
})

describe('a token of the demo is refused:', () => {
  const UNPERMITTED = forbidden('no-policy-permits', 'insufficient_scope')
  const FORBIDDEN = forbidden('policy-forbid', 'insufficient_scope')

  it.each([
    ['TOKEN_BOB', '/api/2.0/fs/files/Volumes/x', UNPERMITTED],
    ['TOKEN_CI', CLUSTERS, UNPERMITTED],
    ['TOKEN_ADMIN', '/api/2.0/secrets/get', FORBIDDEN],
    ['TOKEN_ADMIN', '/ajax-api/2.0/secrets/get', FORBIDDEN],
    ['TOKEN_ADMIN', '/api/2.1/secrets/get', FORBIDDEN],
    ['TOKEN_ADMIN', '/api/2.0/preview/secrets/get', FORBIDDEN],
    ['TOKEN_ADMIN', '/api/2.0/token/create', FORBIDDEN],
    ['TOKEN_EXPIRED', CLUSTERS, unauthorized('token-expired')],
    ['TOKEN_WRONG_AUD', CLUSTERS, unauthorized('wrong-audience')],
  ])('a token of the demo is refused: %s at %s', async (name, path, refusal) => {
    const answer = await stack.sendAs(tokens[name] ?? '', path)

    expect(await auditedRefusal(stack, answer)).toEqual(refusal)
  })
})
