import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MintedToken } from '../idp/mint-token.ts'
import { type ProviderFixture, startProvider } from '../idp/provider-fixture.ts'
import {
  PERSONAL_ACCESS_TOKEN,
  type SimulatorFixture,
  startSimulator,
} from './simulator-fixture.ts'

const ME = '/api/2.0/preview/scim/v2/Me'
let provider: ProviderFixture
let open: SimulatorFixture
let strict: SimulatorFixture

beforeAll(async () => {
  provider = await startProvider()
  open = await startSimulator()
  const { url, ca } = provider
  const trustedIssuer = { issuer: url, audience: 'api://databricks', jwksUri: `${url}/jwks`, ca }
  strict = await startSimulator({ personalAccessToken: null, trustedIssuer })
})

afterAll(() => Promise.all([provider.close(), open.close(), strict.close()]))

async function mint(claims: object): Promise<string> {
  return (await provider.control<MintedToken>('POST', 'token', claims)).access_token
}

function sendWith(workspace: SimulatorFixture, authorization: string) {
  return workspace.send(ME, { headers: { authorization } })
}

describe('a workspace without a trusted issuer', () => {
  it('answers 401 with the realm when there is no credential', async () => {
    const answer = await open.sendRaw(`GET ${ME} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 401 ')
    expect(answer).toContain('www-authenticate: Bearer realm="DatabricksRealm"\r\n')
    const message = 'Credential was not sent or was of an unsupported type for this API.'
    expect(answer).toContain(`x-databricks-reason-phrase: ${message}\r\n`)
    expect(answer.endsWith(JSON.stringify({ error_code: 401, message }))).toBe(true)
  })

  it.each([
    ['another scheme', `Basic ${Buffer.from(`token:${PERSONAL_ACCESS_TOKEN}`).toString('base64')}`],
    ['no scheme', PERSONAL_ACCESS_TOKEN],
    ['no token', 'Bearer '],
    ['two tokens', `Bearer ${PERSONAL_ACCESS_TOKEN} x`],
    ['a comma', `Bearer ${PERSONAL_ACCESS_TOKEN}, Bearer x`],
  ])('answers 401 for %s', async (_name, authorization) => {
    expect((await sendWith(open, authorization)).status).toBe(401)
  })

  it('answers 401 for two Authorization headers', async () => {
    const line = `Authorization: Bearer ${PERSONAL_ACCESS_TOKEN}\r\n`
    const head = `GET ${ME} HTTP/1.1\r\nHost: h\r\n${line}${line}`
    expect(await open.sendRaw(`${head}Connection: close\r\n\r\n`)).toContain('HTTP/1.1 401 ')
  })

  it.each(['dapi-other', 'a.b.c', 'e30.e30', '__proto__'])('answers 403 for %s', async (token) => {
    const { status, headers, body } = await sendWith(open, `Bearer ${token}`)
    expect(status).toBe(403)
    expect(headers['x-databricks-reason-phrase']).toBe('Invalid access token.')
    expect(body.toString()).toBe('{"error_code":403,"message":"Invalid access token."}')
  })

  it('accepts its personal access token, and any JWT under its subject', async () => {
    const owner = await sendWith(open, `Bearer ${PERSONAL_ACCESS_TOKEN}`)
    expect(JSON.parse(owner.body.toString()).userName).toBe('pat-owner')
    const unsigned = await mint({ sub: 'alice', __header: { alg: 'none' } })
    const caller = await sendWith(open, `bearer ${unsigned}x`)
    expect(JSON.parse(caller.body.toString()).userName).toBe('alice')
  })
})

describe('a workspace with a trusted issuer', () => {
  it('accepts a token that the issuer signed for it', async () => {
    const { status, body } = await sendWith(strict, `Bearer ${await mint({ sub: 'bob' })}`)
    expect(status).toBe(200)
    expect(JSON.parse(body.toString()).userName).toBe('bob')
  })

  it.each<[string, object]>([
    ['for another audience', { aud: 'api://other' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that expired', { exp: 1 }],
    ['without signature', { __header: { alg: 'none' } }],
    ['signed with a public key as secret', { __header: { alg: 'HS256' } }],
  ])('answers 403 for a token %s', async (_name, claims) => {
    expect((await sendWith(strict, `Bearer ${await mint(claims)}`)).status).toBe(403)
  })

  it('answers 403 for a personal access token when it has none', async () => {
    expect((await sendWith(strict, `Bearer ${PERSONAL_ACCESS_TOKEN}`)).status).toBe(403)
    expect((await sendWith(strict, 'Bearer null')).status).toBe(403)
  })
})
