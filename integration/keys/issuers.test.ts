import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EndpointStats } from '../../demo/idp/endpoint-gate.ts'
import type { MintedToken } from '../../demo/idp/mint-token.ts'
import { type ProviderFixture, startProvider } from '../../demo/idp/provider-fixture.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, ensureServes, forbidden, unauthorized } from '../harness/refusals.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'
import { kidOf, withRandomKid } from './tokens.ts'

const PATH = '/api/2.1/clusters/list'
const COOLDOWN_S = 2
const CLIENT = 'brickgate-signin'
const SIGN_IN = { issuer: 'corp', client_id: CLIENT, client_secret: 'not used here' }
const CORP_USER = { sub: 'alice', groups: ['analysts'] }
const OKTA_USER = {
  sub: 'a@example.com',
  uid: '00u1alice',
  cid: '0oa1app',
  scp: ['sql'],
  groups: ['analysts'],
}

/** Providers that the gateway trusts, each with a certificate authority of its own. */
let corp: ProviderFixture
let okta: ProviderFixture
let cognito: ProviderFixture
let folder: string
let stack: StackClient

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-issuers-'))
  corp = await startProvider()
  okta = await startProvider()
  cognito = await startProvider()
  const issuers = [
    issuer('corp', corp, {
      preset: 'generic',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      audiences: ['api://databricks', CLIENT],
      admit_claims: ['nonce', 'at_hash'],
    }),
    issuer('cognito', cognito, {
      preset: 'generic',
      algorithms: ['RS256'],
      audiences: ['app-1'],
      audience_claim: 'client_id',
      claims: { groups: ['realm_access', 'roles'] },
    }),
    issuer('okta', okta, { preset: 'okta', algorithms: ['RS256'] }),
  ]
  // long enough that every fetch in these tests is one that a token caused
  const jwks = { refresh_s: 3600, cooldown_s: COOLDOWN_S, max_stale_s: 7200 }
  stack = stackClient(
    await startStack({ config: { issuers, jwks, sign_in: SIGN_IN }, policy: POLICY }),
  )
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
  await Promise.all([corp.close(), okta.close(), cognito.close()])
  rmSync(folder, { recursive: true })
})

const POLICY = {
  version: 1,
  policies: [
    {
      id: 'analysts',
      effect: 'permit',
      who: { groups: ['corp|analysts', 'okta|analysts', 'cognito|analysts'] },
      paths: [PATH],
    },
    {
      id: 'corp-admins',
      effect: 'permit',
      who: { groups: ['corp|platform-admins'] },
      paths: ['/api/2.0/sql'],
    },
    {
      id: 'corp-alice',
      effect: 'permit',
      who: { subjects: ['corp|alice'] },
      paths: ['/api/2.2/jobs'],
    },
  ],
}

describe('several issuers and algorithms in one configuration:', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
    'with several issuers, %s is accepted where it is allowed',
    async (alg) => {
      const token = await mint(corp, { ...CORP_USER, __header: { alg } })

      expect((await stack.sendAs(token, PATH)).status).toBe(200)
      expect(await auditOfLast()).toMatchObject({ subject: 'corp|alice', issuer: 'corp' })
    },
  )

  it('with several issuers, each issuer is read by its own preset', async () => {
    const token = await mint(okta, OKTA_USER)

    expect((await stack.sendAs(token, PATH)).status).toBe(200)
    expect(await auditOfLast()).toMatchObject({
      subject: 'okta|00u1alice',
      issuer: 'okta',
      client_id: '0oa1app',
    })
  })

  it('with several issuers, an algorithm that only the other issuer may use is refused', async () => {
    const token = await mint(okta, { ...OKTA_USER, __header: { alg: 'ES256' } })

    const answer = await stack.sendAs(token, PATH)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('algorithm-not-allowed'))
  })

  it('with several issuers, a token of one issuer is none in the name of the other, even under its kid', async () => {
    const kid = kidOf(await mint(okta, OKTA_USER))
    const token = await mint(corp, { ...OKTA_USER, iss: okta.url, __header: { kid } })

    const answer = await stack.sendAs(token, PATH)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('bad-signature'))
  })

  it('with several issuers, the same name at another issuer is another subject', async () => {
    const path = '/api/2.2/jobs/list'
    const corpAlice = await mint(corp, CORP_USER)
    const oktaAlice = await mint(okta, { ...OKTA_USER, uid: 'alice' })

    expect((await stack.sendAs(corpAlice, path)).status).toBe(200)
    await stack.forgetUpstreamRequests()
    const answer = await stack.sendAs(oktaAlice, path)
    const refusal = forbidden('no-policy-permits', 'insufficient_scope')
    expect(await auditedRefusal(stack, answer)).toEqual(refusal)
  })
})

describe('a group of one issuer is none of another:', () => {
  const SQL = '/api/2.0/sql/statements/x'
  const UNPERMITTED = forbidden('no-policy-permits', 'insufficient_scope')
  const admins = { groups: ['platform-admins', 'corp|platform-admins'] }

  it('the admin of an issuer is permitted, and the workspace sees of which issuer', async () => {
    const token = await mint(corp, { ...CORP_USER, ...admins })

    const { status } = await stack.sendAs(token, SQL)
    const [request] = await stack.upstreamRequests()
    expect(status).not.toBe(403)
    expect(valuesOf(request, 'x-forwarded-user')).toEqual(['corp|alice'])
    expect(valuesOf(request, 'x-forwarded-groups')).toEqual([
      'corp|platform-admins,corp|corp|platform-admins',
    ])
  })

  it('a token of another issuer with the same group is refused, also with a name made to look alike', async () => {
    const token = await mint(okta, { ...OKTA_USER, ...admins })

    const answer = await stack.sendAs(token, SQL)
    expect(await auditedRefusal(stack, answer)).toEqual(UNPERMITTED)
  })

  it('a session that was made from a token of the other issuer is refused', async () => {
    const groups = ['analysts', ...admins.groups]
    const token = await mint(okta, { ...OKTA_USER, groups })
    const made = await stack.sendAs(token, '/_brickgate/sessions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '2' },
      body: '{}',
    })
    expect(made.status).toBe(201)
    const session: unknown = Object(JSON.parse(made.body)).token

    const answer = await stack.sendAs(String(session), SQL)
    expect(await auditedRefusal(stack, answer)).toEqual(UNPERMITTED)
    await stack.forgetUpstreamRequests()
    expect((await stack.sendAs(String(session), PATH)).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'x-forwarded-user')).toEqual(['okta|00u1alice'])
  })
})

describe('a token of a common provider', () => {
  const ID_TOKEN = { aud: CLIENT, nonce: 'n', at_hash: 'h', __header: { typ: 'JWT' } }

  it('a token of a common provider passes with the marks of ID tokens that its issuer is admitted', async () => {
    const token = await mint(corp, { ...CORP_USER, ...ID_TOKEN, aud: 'api://databricks' })
    expect((await stack.sendAs(token, PATH)).status).toBe(200)
  })

  it('a token of a common provider is refused with them from an issuer that is not', async () => {
    const token = await mint(okta, { ...OKTA_USER, ...ID_TOKEN, aud: 'api://databricks' })
    const answer = await stack.sendAs(token, PATH)
    expect(answer.body).toContain('(claim nonce)')
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('wrong-token-type'))
  })

  it('a token of a common provider is no ID token of the sign-in’s client, though its audience is allowed', async () => {
    for (const claims of [ID_TOKEN, { ...ID_TOKEN, nonce: null, at_hash: null }]) {
      const token = await mint(corp, { ...CORP_USER, ...claims })
      const answer = await stack.sendAs(token, PATH)
      expect(answer.body).toContain('(claim aud)')
      expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('wrong-token-type'))
      const session = await stack.sendAs(token, '/_brickgate/sessions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': '2' },
        body: '{}',
      })
      expect(session.status).toBe(401)
    }
  })

  it('a token of a common provider passes without aud where its client is what counts, with its nested roles for groups', async () => {
    const access = { aud: null, client_id: 'app-1', token_use: 'access' }
    const roles = { realm_access: { roles: ['analysts'] } }
    const token = await mint(cognito, { sub: 'c', ...access, ...roles })
    expect((await stack.sendAs(token, PATH)).status).toBe(200)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'x-forwarded-groups')).toEqual(['cognito|analysts'])

    const idToken = await mint(cognito, { sub: 'c', ...roles, aud: 'app-1', token_use: 'id' })
    const answer = await stack.sendAs(idToken, PATH)
    expect(answer.body).toContain('(claim token_use)')
  })
})

describe('keys that the gateway does not have', () => {
  it('keys that the gateway does not have are fetched at once after a rotation, and the old ones still verify', async () => {
    const old = await mint(corp, CORP_USER)
    await corp.control('POST', 'keys/rotate')
    const renewed = await mint(corp, CORP_USER)
    expect(kidOf(renewed)).not.toBe(kidOf(old))

    expect((await stack.sendAs(renewed, PATH)).status).toBe(200)
    expect((await stack.sendAs(old, PATH)).status).toBe(200)
  })

  it('keys that the gateway does not have cause two fetches a cooldown at most, for 200 tokens with random kids on two workers', async () => {
    expect(stack.info.config.runtime.workers).toBe(2)
    const good = await mint(corp, CORP_USER)
    await ensureServes(stack, good)
    await Promise.all([corp.control('DELETE', 'stats'), okta.control('DELETE', 'stats')])
    const startedMs = performance.now()

    const statuses: number[] = []
    let fetches = 0
    while (statuses.length < 200 || fetches < 2) {
      const tokens = Array.from({ length: 20 }, () => withRandomKid(good))
      const answers = await Promise.all(tokens.map((token) => stack.sendAs(token, PATH)))
      statuses.push(...answers.map(({ status }) => status))
      fetches = (await corp.control<EndpointStats>('GET', 'stats')).jwks
    }

    const elapsedMs = performance.now() - startedMs
    expect(fetches).toBeLessThanOrEqual(2 * Math.ceil(elapsedMs / (COOLDOWN_S * 1000)))
    expect(await okta.control('GET', 'stats')).toMatchObject({ jwks: 0, discovery: 0 })
    expect(statuses.filter((status) => status !== 401 && status !== 503)).toEqual([])
    await ensureServes(stack, good)
  })
})

async function mint(provider: ProviderFixture, claims: object): Promise<string> {
  const minted = await provider.control<MintedToken>('POST', 'token', claims)
  return minted.access_token
}

function issuer(name: string, { url, ca }: ProviderFixture, terms: object): object {
  const caFile = join(folder, `${name}.pem`)
  writeFileSync(caFile, ca)
  return { name, issuer: url, audiences: ['api://databricks'], ca_file: caFile, ...terms }
}

async function auditOfLast() {
  const requests = await stack.upstreamRequests()
  return stack.auditOf(requestIdOf(requests.at(-1)))
}
