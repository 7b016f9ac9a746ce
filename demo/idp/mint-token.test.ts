import { createPublicKey } from 'node:crypto'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readJson } from '../service/read-json.ts'
import { ALGORITHMS } from './key-ring.ts'
import type { MintedToken } from './mint-token.ts'
import { type ProviderFixture, startProvider } from './provider-fixture.ts'

let provider: ProviderFixture

beforeAll(async () => {
  provider = await startProvider()
})

afterAll(() => provider.close())

function mint(claims: object): Promise<MintedToken> {
  return provider.control<MintedToken>('POST', 'token', claims)
}

async function publishedKeys(): Promise<JSONWebKeySet> {
  return readJson<JSONWebKeySet>(await provider.fetch(`${provider.url}/jwks`))
}

describe('POST /__demo/token', () => {
  it.each(ALGORITHMS)('signs %s with a published key', async (alg) => {
    const { access_token } = await mint({ sub: 'alice', __header: { alg } })
    const expected = { issuer: provider.url, audience: 'api://databricks', algorithms: [alg] }
    const keys = createLocalJWKSet(await publishedKeys())
    const { payload, protectedHeader } = await jwtVerify(access_token, keys, expected)
    expect(payload.sub).toBe('alice')
    expect(protectedHeader.typ).toBe('at+jwt')
  })

  it('gives every token its own id and an hour', async () => {
    const [one, two] = [await mint({}), await mint({})]
    const claims = decodeJwt(one.access_token)
    expect(one.expires_in).toBe(3600)
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600)
    expect(claims.jti).not.toBe(decodeJwt(two.access_token).jti)
  })

  it.each<[string, unknown]>([
    ['exp', 1e300],
    ['exp', 'soon'],
    ['aud', ['api://other', 'api://databricks']],
    ['iss', 'https://evil.example'],
    ['sub', 'a b\r\n'],
    ['groups', []],
    ['jti', 7],
    ['nbf', 0],
    ['events', {}],
    ['constructor', 'x'],
  ])('takes the claim %s as %j', async (name, value) => {
    const claims = decodeJwt((await mint({ [name]: value })).access_token)
    expect(claims[name]).toEqual(value)
  })

  it.each(['exp', 'iat', 'aud', 'sub', 'jti', 'iss'])(
    'leaves out %s when it is null',
    async (name) => {
      expect(decodeJwt((await mint({ [name]: null })).access_token)).not.toHaveProperty(name)
    },
  )

  it('answers expires_in as null without a numeric exp', async () => {
    expect((await mint({ exp: null })).expires_in).toBeNull()
  })

  it.each<[string, object, object]>([
    ['typ', { typ: 'logout+jwt' }, { typ: 'logout+jwt' }],
    ['kid', { kid: 'no-such-key' }, { kid: 'no-such-key' }],
    ['jku', { jku: 'https://evil.example/jwks' }, { jku: 'https://evil.example/jwks' }],
    ['alg', { alg: 'RS512' }, { alg: 'RS512' }],
  ])('takes the header member %s', async (_name, header, expected) => {
    const { access_token } = await mint({ __header: header })
    expect(decodeProtectedHeader(access_token)).toMatchObject(expected)
    expect(decodeJwt(access_token)).not.toHaveProperty('__header')
  })

  it('leaves out kid and typ when they are null', async () => {
    const { access_token } = await mint({ __header: { kid: null, typ: null } })
    expect(decodeProtectedHeader(access_token)).toEqual({ alg: 'RS256' })
  })

  it('leaves the signature of alg none empty', async () => {
    const { access_token } = await mint({ __header: { alg: 'none' } })
    expect(access_token).toMatch(/^[\w-]+\.[\w-]+\.$/)
  })

  it('signs HS256 with the PEM text of the RS256 public key', async () => {
    const { access_token } = await mint({ __header: { alg: 'HS256' } })
    const rsa = (await publishedKeys()).keys.find(({ alg }) => alg === 'RS256')
    const pem = createPublicKey({ key: { ...rsa }, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const verification = jwtVerify(access_token, Buffer.from(pem), { algorithms: ['HS256'] })
    await expect(verification).resolves.toBeDefined()
  })

  it.each(['[]', 'null', '"x"', '{', '{"exp":'])('refuses the body %s with 400', async (body) => {
    const response = await provider.fetch(`${provider.url}/__demo/token`, { method: 'POST', body })
    expect(response.status).toBe(400)
  })
})
