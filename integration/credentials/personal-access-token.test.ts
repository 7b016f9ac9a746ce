import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden } from '../harness/refusals.ts'
import { type Document, reloadWith } from '../harness/reload.ts'
import { makeSession } from '../harness/sessions.ts'
import { stackFile, startStack, stopStack } from '../harness/stack.ts'
import { valuesOf } from '../harness/upstream.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const BUILT_IN = 'built-in-shared-credential'
const POLICY = {
  version: 1,
  policies: [
    { id: 'admins', effect: 'permit', who: { groups: ['platform-admins'] }, paths: ['/'] },
  ],
}

let stack: StackClient
let token: string
/** the one personal access token that stands for all callers */
let shared: string

beforeAll(async () => {
  stack = stackClient(await startStack({ policy: POLICY }))
  token = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
  shared = stackFile(stack.info, 'secrets/workspace-token').trim()
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe('with the callers’ own tokens', () => {
  it('the APIs of tokens and secrets are a matter of policy alone', async () => {
    expect((await stack.sendAs(token, '/api/2.0/token/list')).status).toBe(200)
    expect((await stack.sendAs(token, '/api/2.0/secrets/scopes/list')).status).toBe(200)
  })
})

describe('with one personal access token for all', () => {
  beforeAll(() => reloadWith(stack, 'brickgate.yaml', (document) => withShared(document)))

  it('with one personal access token for all, the workspace gets that token and never the caller’s', async () => {
    const basic = `Basic ${Buffer.from(`token:${token}`).toString('base64')}`
    const { id } = await makeSession(stack, {
      principal: { groups: ['platform-admins'] },
      session: { accessToken: null },
    })

    await stack.sendAs(token, CLUSTERS)
    await stack.send(CLUSTERS, { headers: { authorization: basic } })
    await stack.send(CLUSTERS, { headers: { cookie: `__Host-brickgate=${id}` } })

    const requests = await stack.upstreamRequests()
    expect(requests.map((request) => valuesOf(request, 'authorization'))).toEqual([
      [`Bearer ${shared}`],
      [`Bearer ${shared}`],
      [`Bearer ${shared}`],
    ])
    expect(requests.map((request) => valuesOf(request, 'x-forwarded-user'))).toEqual([
      ['admin'],
      ['admin'],
      ['alice'],
    ])
    const seen = JSON.stringify(requests)
    const [, claims = '', signature = ''] = token.split('.')
    for (const secret of [claims, signature, id]) expect(seen).not.toContain(secret)
  })

  it.each([
    ['GET', '/api/2.0/token/list'],
    ['POST', '/api/2.0/token/create'],
    ['GET', '/api/2.0/token'],
    ['GET', '/api/2.0/token/'],
    ['GET', '/api/2.0/tokens'],
    ['GET', '/api/2.0/token-management/tokens'],
    ['GET', '/api/2.0/token-management/on-behalf-of/tokens'],
    ['GET', '/api/2.0/secrets/get?scope=demo&key=demo'],
    ['GET', '/api/2.0/secrets/scopes/list'],
    ['POST', '/api/2.0/secrets/put'],
    ['GET', '/oidc/v1/token'],
    ['POST', '/oidc/v1/token'],
    ['GET', '/oidc'],
    ['GET', '/oidc/.well-known/openid-configuration'],
    ['GET', '/api/1.2/token/list'],
    ['GET', '/api/2.1/token/list'],
    ['GET', '/api/3.0/secrets/list'],
    ['GET', '/API/2.0/token/list'],
    ['GET', '/api/2.0/Token/list'],
    ['GET', '/api/2.0/TOKEN-MANAGEMENT/tokens'],
    ['GET', '/api/2.0/seCrets/get'],
    ['GET', '/OIDC/v1/token'],
    ['GET', '/ajax-api/2.0/token/list'],
    ['GET', '/ajax-api/2.0/secrets/get'],
    ['GET', '/api/2.0/preview/secrets/get'],
    ['GET', '/ajax-api/2.1/preview/token/list'],
    ['POST', '/api/2.0/database/credentials'],
    ['POST', '/api/2.0/postgres/credentials'],
    ['POST', '/api/2.1/unity-catalog/recipients/partner/rotate-token'],
    ['POST', '/api/2.0/accounts/servicePrincipals/17/credentials/secrets'],
    ['POST', '/api/2.0/fs/create-download-url'],
    ['GET', '/api/2.0/%74oken/list'],
    ['GET', '/api/2.0/token%2Dmanagement/tokens'],
    ['GET', '/%6fidc/v1/token'],
    ['GET', '/api/2.0/to%E2%84%AAen/list'],
  ])(
    'with one personal access token for all, %s %s is forbidden by what is built in',
    async (method, path) => {
      const answer = await stack.sendAs(token, path, { method })

      const refusal = forbidden('policy-forbid', 'insufficient_scope')
      expect(await auditedRefusal(stack, answer)).toEqual(refusal)
      const audit = await stack.auditOf(String(answer.headers['x-request-id']))
      expect(audit['policy']).toEqual([BUILT_IN])
    },
  )

  it('with one personal access token for all, everything else stays a matter of policy', async () => {
    expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
    expect((await stack.sendAs(token, '/api/2.0/preview/scim/v2/Me')).status).toBe(200)
  })

  it('with one personal access token for all, a new token in its file is taken up without a restart', async () => {
    const file = join(stack.info.demo.directory, 'secrets/workspace-token')
    writeFileSync(file, 'dapi-renewed\n')
    await expect.poll(() => credentialUpstream(), { timeout: 20_000 }).toBe('Bearer dapi-renewed')

    writeFileSync(file, `${shared}\n`)
    await expect.poll(() => credentialUpstream(), { timeout: 20_000 }).toBe(`Bearer ${shared}`)
  })

  it('with one personal access token for all, no log repeats the token', () => {
    for (const log of ['audit.log', 'access.log', 'sidecar.log', 'egress.log']) {
      expect(stackFile(stack.info, `logs/${log}`)).not.toContain(shared)
    }
  })
})

describe('with `permit_token_and_secret_apis`', () => {
  beforeAll(() =>
    reloadWith(stack, 'brickgate.yaml', (document) =>
      withShared(document, { permit_token_and_secret_apis: true }),
    ),
  )

  it('the same paths are a matter of policy again', async () => {
    expect((await stack.sendAs(token, '/api/2.0/token/list')).status).toBe(200)
    expect((await stack.sendAs(token, '/api/2.0/secrets/scopes/list')).status).toBe(200)
  })
})

/** With what a request of now is sent to the workspace. */
async function credentialUpstream(): Promise<string> {
  await stack.sendAs(token, CLUSTERS)
  return valuesOf((await stack.upstreamRequests()).at(-1), 'authorization').join()
}

function withShared(document: Document, options: object = {}): Document {
  const workspace = document['workspace'] as object
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
  const secret = '${file:secrets/workspace-token}'
  const credential = { type: 'personal_access_token', token: secret, ...options }
  return { ...document, workspace: { ...workspace, credential } }
}
