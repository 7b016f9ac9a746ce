import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CookieBrowser, createCookieBrowser } from '../service/cookie-browser.ts'
import { readText } from '../service/json.ts'
import { closeServer, listen } from '../service/listen.ts'
import { readJson } from '../service/read-json.ts'
import { CI_CLIENT, SIGN_IN_CLIENT } from './clients.ts'
import { type ProviderFixture, startProvider } from './provider-fixture.ts'

interface Tokens {
  readonly access_token: string
  readonly id_token: string
  readonly refresh_token: string
}

const REDIRECT = 'https://localhost:1/callback'
const SIGNED_OUT = 'https://localhost:1/signed-out'
let provider: ProviderFixture
let relyingParty: Server

beforeAll(async () => {
  provider = await startProvider(async (tls) => {
    relyingParty = createServer(tls)
    const backchannel = `https://localhost:${await listen(relyingParty, 0)}/logout`
    return {
      redirectUris: [REDIRECT],
      postLogoutRedirectUris: [SIGNED_OUT],
      backchannelLogoutUri: backchannel,
    }
  })
})

afterAll(async () => {
  await provider.close()
  await closeServer(relyingParty)
})

/** Asks for a code and stops where the browser would show something: a form, or the callback. */
async function authorize(browser: CookieBrowser, challenge: string | null): Promise<URL> {
  const request = new URLSearchParams({
    client_id: SIGN_IN_CLIENT.id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid email groups all-apis',
    ...(challenge && { code_challenge: challenge, code_challenge_method: 'S256' }),
    state: 'the-state',
    nonce: 'the-nonce',
  })
  return browser.redirectOf(await browser.load(`${provider.url}/auth?${request.toString()}`))
}

async function requestToken(
  client: { readonly id: string; readonly secret: string },
  form: Readonly<Record<string, string>>,
): Promise<Response> {
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64')
  return provider.fetch(`${provider.url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams(form),
  })
}

async function signIn(browser: CookieBrowser, username: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url')
  const form = await authorize(browser, createHash('sha256').update(verifier).digest('base64url'))
  expect(await (await browser.load(form)).text()).toContain('name="username"')
  const resumed = browser.redirectOf(await browser.load(form, { username }))
  const callback = browser.redirectOf(await browser.load(resumed))
  expect(callback.href).toContain(`${REDIRECT}?`)
  expect(callback.searchParams.get('state')).toBe('the-state')
  const code = callback.searchParams.get('code') ?? ''
  const grant = { grant_type: 'authorization_code', redirect_uri: REDIRECT }
  const response = await requestToken(SIGN_IN_CLIENT, { ...grant, code, code_verifier: verifier })
  return readJson<Tokens>(response)
}

async function verified(token: string, audience: string): Promise<JWTPayload> {
  const response = await provider.fetch(`${provider.url}/jwks`)
  const keys = createLocalJWKSet(await readJson<JSONWebKeySet>(response))
  return (await jwtVerify(token, keys, { issuer: provider.url, audience })).payload
}

describe('sign-in', () => {
  it('gives the account its claims in the ID token and in the access token', async () => {
    const tokens = await signIn(createCookieBrowser(provider.fetch), 'alice')
    const claims = { sub: 'alice', email: 'alice@example.com', groups: ['analysts', 'data-eng'] }
    const identity = await verified(tokens.id_token, SIGN_IN_CLIENT.id)
    expect(identity).toMatchObject({ ...claims, nonce: 'the-nonce', sid: expect.any(String) })
    const access = await verified(tokens.access_token, 'api://databricks')
    expect(access).toMatchObject({ ...claims, client_id: SIGN_IN_CLIENT.id, scope: 'all-apis' })
  })

  it('asks again for a name that nobody has', async () => {
    const browser = createCookieBrowser(provider.fetch)
    const form = await authorize(browser, 'c'.repeat(43))
    for (const username of ['mallory', '', '__proto__', 'alice ']) {
      const response = await browser.load(form, { username })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('Nobody has this name')
    }
  })

  it('refuses an authorization request without PKCE', async () => {
    const browser = createCookieBrowser(provider.fetch)
    const callback = await authorize(browser, null)
    expect(callback.searchParams.get('error')).toBe('invalid_request')
  })

  it('refuses a sign-in form of another browser', async () => {
    const form = await authorize(createCookieBrowser(provider.fetch), 'c'.repeat(43))
    const stranger = createCookieBrowser(provider.fetch)
    expect((await stranger.load(form, { username: 'alice' })).status).toBe(400)
  })

  it('keeps sessions and refresh tokens over a key rotation', async () => {
    const browser = createCookieBrowser(provider.fetch)
    const { refresh_token } = await signIn(browser, 'bob')
    await provider.control('POST', 'keys/rotate')
    await provider.control('POST', 'keys/withdraw')
    const grant = { grant_type: 'refresh_token', refresh_token }
    const refreshed = await readJson<Tokens>(await requestToken(SIGN_IN_CLIENT, grant))
    const access = await verified(refreshed.access_token, 'api://databricks')
    expect(access).toMatchObject({ sub: 'bob', groups: ['analysts'] })
    expect((await authorize(browser, 'c'.repeat(43))).searchParams.get('code')).not.toBeNull()
  })
})

describe('sign-out', () => {
  it('tells the relying party by a logout token, then ends session and refresh token', async () => {
    const browser = createCookieBrowser(provider.fetch)
    const { id_token, refresh_token } = await signIn(browser, 'alice')
    const { sid } = await verified(id_token, SIGN_IN_CLIENT.id)
    const received = receiveLogoutToken()
    const end = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: SIGNED_OUT,
    })
    const page = await (await browser.load(`${provider.url}/session/end?${end.toString()}`)).text()
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const done = await browser.load(`${provider.url}/session/end/confirm`, { xsrf, logout: 'yes' })
    expect(browser.redirectOf(done).href).toBe(SIGNED_OUT)
    const logout = await verified(await received, SIGN_IN_CLIENT.id)
    expect(logout).toMatchObject({ sub: 'alice', sid, events: expect.any(Object) })
    const grant = { grant_type: 'refresh_token', refresh_token }
    expect((await requestToken(SIGN_IN_CLIENT, grant)).status).toBe(400)
    expect((await authorize(browser, 'c'.repeat(43))).pathname).toContain('/interaction/')
  })
})

async function receiveLogoutToken(): Promise<string> {
  const [request, response] = await once(relyingParty, 'request')
  const form = new URLSearchParams(await readText(request, 65_536))
  response.end()
  return form.get('logout_token') ?? ''
}

describe('client credentials', () => {
  it('give the client a token of its own, without groups', async () => {
    const form = { grant_type: 'client_credentials', scope: 'all-apis' }
    const response = await requestToken(CI_CLIENT, form)
    const { access_token } = await readJson<Tokens>(response)
    const claims = await verified(access_token, 'api://databricks')
    expect(claims).toMatchObject({ sub: 'demo-ci', client_id: 'demo-ci', scope: 'all-apis' })
    expect(claims).not.toHaveProperty('groups')
  })

  it('are refused with a wrong secret and for the sign-in client', async () => {
    const form = { grant_type: 'client_credentials' }
    expect((await requestToken({ ...CI_CLIENT, secret: 'wrong' }, form)).status).toBe(401)
    expect((await requestToken(SIGN_IN_CLIENT, form)).status).toBe(400)
  })
})
