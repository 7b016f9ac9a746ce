import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { type DemoTokens, mintDemoTokens } from '../../launch/demo-env.ts'
import { type StackClient, stackClient } from '../stack/client.ts'
import { auditedRefusal, forbidden, unauthorized } from '../stack/refusals.ts'

const CLUSTERS = '/api/2.1/clusters/list'

let stack: StackClient
let tokens: DemoTokens

beforeAll(async () => {
  stack = stackClient(inject('stack'))
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
  ])('%s at %s', async (name, path) => {
    const answer = await stack.sendAs(tokens[name] ?? '', path)

    expect(answer.status).toBe(200)
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await stack.upstreamRequests()).toHaveLength(1)
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
  ])('%s at %s', async (name, path, refusal) => {
    const answer = await stack.sendAs(tokens[name] ?? '', path)

    expect(await auditedRefusal(stack, answer)).toEqual(refusal)
  })
})
