import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Answer, send } from '../stack/answer.ts'
import { type StackClient, stackClient } from '../stack/client.ts'
import { requestIdOf, valuesOf } from '../stack/upstream.ts'
import { createVisitor, type Visitor } from './browser.ts'

const PATH = '/api/2.1/clusters/list'
const PAGE = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }

let stack: StackClient
let home: string

beforeAll(() => {
  stack = stackClient(inject('stack'))
  home = stack.info.config.tiers.internal.public_url
})

afterAll(() => stack.close())

function visitor(): Visitor {
  return createVisitor(stack)
}

/** The callback to which the provider sends a browser that signed in there as alice. */
async function callbackOf(browser: Visitor): Promise<URL> {
  const begun = await browser.visit(`${home}/_brickgate/sign-in`)
  return browser.signInAtProvider(browser.redirectOf(begun), 'alice')
}

async function pageOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(response.headers.get('cache-control')).toBe('no-store')
  return response.text()
}

describe('a page navigation without a good credential', () => {
  const navigate = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
    stack.send(`${PATH}?a=1`, { headers: { ...PAGE, ...headers } })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['none', {}],
    ['a session that nobody made', { cookie: `__Host-brickgate=bgs_${'A'.repeat(43)}` }],
    ['a cookie that is no session', { cookie: '__Host-brickgate=x' }],
  ])('is sent to sign-in on the tier: %s', async (_, headers) => {
    const { status, headers: given } = await navigate(headers)
    expect(status).toBe(303)
    const returnTo = encodeURIComponent(`${PATH}?a=1`)
    expect(given['location']).toBe(`${home}/_brickgate/sign-in?return_to=${returnTo}`)
    expect(given['cache-control']).toBe('no-store')
    const audit = await stack.auditOf(String(given['x-request-id']))
    expect(audit).toMatchObject({ decision: 'deny', path: PATH })
  })

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['a program', 'GET', { accept: '*/*' }],
    ['a POST', 'POST', PAGE],
    ['a fetch by a script', 'GET', { accept: 'text/html', 'sec-fetch-mode': 'cors' }],
    ['a bearer token', 'GET', { ...PAGE, authorization: 'Bearer word' }],
  ])('is not what %s is', async (_, method, headers) => {
    const answer = await stack.send(PATH, { method, headers })
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'UNAUTHENTICATED' })
  })

  it('is sent to its own tier', async () => {
    const { headers } = await send(stack.listener('external'), PATH, { headers: PAGE })
    expect(headers['location']).toContain(stack.info.config.tiers.external.public_url)
  })
})

describe('a sign-in', () => {
  it('leads back to the page that was asked for, with a session that opens it', async () => {
    const browser = visitor()
    const done = await browser.signIn('alice', `${PATH}?a=1`)

    expect(done.status).toBe(303)
    expect(browser.redirectOf(done).href).toBe(`${home}${PATH}?a=1`)
    const [cookie, ...further] = done.headers.getSetCookie()
    expect(further).toEqual([])
    expect(cookie).toMatch(
      /^__Host-brickgate=bgs_[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    const answer = await stack.send(PATH, { headers: { cookie: browser.cookies() } })
    expect(answer.status).toBe(200)
    const forwarded = (await stack.upstreamRequests()).at(-1)
    const audit = await stack.auditOf(requestIdOf(forwarded))
    expect(audit).toMatchObject({
      subject: 'demo|alice',
      session: browser.sid(),
      reason: 'allowed',
    })
    expect(valuesOf(forwarded, 'x-forwarded-groups')).toEqual(['analysts,data-eng'])
    expect(valuesOf(forwarded, 'authorization')).toEqual([expect.stringMatching(/^Bearer eyJ/)])
    expect(valuesOf(forwarded, 'cookie')).toEqual([])
  })

  it('asks the provider with PKCE, state, nonce and our own callback', async () => {
    const browser = visitor()
    const begun = await browser.visit(`${home}/_brickgate/sign-in?return_to=%2Fa`)

    expect(begun.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-brickgate-signin=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
      ),
    ])
    const asked = browser.redirectOf(begun).searchParams
    expect(Object.fromEntries(asked)).toEqual({
      client_id: 'brickgate-signin',
      response_type: 'code',
      redirect_uri: `${home}/_brickgate/callback`,
      scope: 'openid email groups all-apis',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    })
    const id = createHash('sha256')
      .update(asked.get('state') ?? '')
      .digest('hex')
    expect(await stack.redis.ttl(`bg:signin:${id}`)).toBeGreaterThan(590)
    expect(await stack.redis.ttl(`bg:signin:${id}`)).toBeLessThanOrEqual(601) // to the end of a second
    expect(await stack.redis.get(`bg:signin:${id}`)).toMatch(
      /^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/,
    )
  })

  it.each(['//evil.example', 'https://evil.example', '/%5cevil.example', '/_brickgate/sign-out'])(
    'never leads to %s',
    async (returnTo) => {
      const browser = visitor()
      const done = await browser.signIn('alice', returnTo)
      expect(browser.redirectOf(done).href).toBe(`${home}/_brickgate/`)
    },
  )

  it('gives a fresh session each time, and ends the one before of this browser', async () => {
    const browser = visitor()
    await browser.signIn('alice')
    const first = browser.sessionId()
    await browser.signIn('alice')

    expect(browser.sessionId()).not.toBe(first)
    const headers = { cookie: `__Host-brickgate=${first}` }
    expect((await stack.send(PATH, { headers })).status).toBe(401)
    expect((await stack.send(PATH, { headers: { cookie: browser.cookies() } })).status).toBe(200)
  })

  it('takes no session id that somebody planted in the browser', async () => {
    const browser = visitor()
    const planted = `bgs_${'P'.repeat(43)}`
    browser.plant('__Host-brickgate', planted)
    await browser.signIn('alice')
    expect(browser.sessionId()).not.toBe(planted)
  })

  it('works in two tabs of one browser', async () => {
    const browser = visitor()
    const first = await callbackOf(browser)
    const second = await callbackOf(browser)
    expect((await browser.visit(first)).status).toBe(303)
    expect((await browser.visit(second)).status).toBe(303)
  })

  it('counts on its own tier only', async () => {
    const browser = visitor()
    await browser.signIn('alice')
    const cookie = `__Host-brickgate=${browser.sessionId()}`
    const answer = await send(stack.listener('external'), PATH, { headers: { cookie } })
    expect(answer.status).toBe(403)
    const page = await send(stack.listener('external'), PATH, { headers: { cookie, ...PAGE } })
    expect(page.status).toBe(303)
  })
})

describe('a callback signs nobody in', () => {
  async function expectRefused(browser: Visitor, callback: URL, status = 400): Promise<void> {
    const response = await browser.visit(callback)
    expect(response.status).toBe(status)
    const page = await pageOf(response)
    expect(page).toMatch(/<h1>(This sign-in is over|Sign-in was refused)<\/h1>/)
    for (const value of callback.searchParams.values()) expect(page).not.toContain(value)
    expect(response.headers.getSetCookie()).toEqual([])
  }

  it('in a browser that did not begin it (login CSRF)', async () => {
    const attacker = visitor()
    const callback = await callbackOf(attacker)

    await expectRefused(visitor(), callback)
    const victim = visitor()
    await victim.visit(`${home}/_brickgate/sign-in`) // has a sign-in cookie of its own
    await expectRefused(victim, callback)
    await expectRefused(attacker, callback) // and it is used up
  })

  it('twice', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    expect((await browser.visit(callback)).status).toBe(303)
    await expectRefused(browser, callback)
  })

  it('on the other tier', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    const port = String(stack.listener('external').port)
    const cookie = browser.cookies()
    const answer = await send(
      stack.listener('external'),
      `${callback.pathname}${callback.search}`,
      {
        headers: { cookie, host: `localhost:${port}` },
      },
    )
    expect(answer.status).toBe(400)
  })

  it.each<[string, (callback: URL) => void, number]>([
    ['without a state', (url) => url.searchParams.delete('state'), 400],
    ['with two states', (url) => url.searchParams.append('state', 'another-value'), 400],
    ['with another state', (url) => url.searchParams.set('state', 'another-value'), 400],
    ['without a code', (url) => url.searchParams.delete('code'), 403],
    ['with another code', (url) => url.searchParams.set('code', 'x'.repeat(43)), 403],
    ['with two codes', (url) => url.searchParams.append('code', 'another-value'), 403],
    ['of another issuer', (url) => url.searchParams.set('iss', 'https://evil.example'), 403],
    ['without an issuer', (url) => url.searchParams.delete('iss'), 403],
    ['with nothing at all', (url) => (url.search = ''), 400],
  ])('%s', async (_, change, status) => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    change(callback)
    await expectRefused(browser, callback, status)
  })

  it('when the transaction was edited, or copied to another state', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    const id = createHash('sha256')
      .update(callback.searchParams.get('state') ?? '')
      .digest('hex')
    const record = (await stack.redis.get(`bg:signin:${id}`)) ?? ''
    const other = createHash('sha256').update('other').digest('hex')
    await stack.redis.set(`bg:signin:${other}`, record, 'EX', 60)
    await stack.redis.set(`bg:signin:${id}`, `${record.slice(0, -2)}AA`, 'EX', 60)

    await expectRefused(browser, callback)
    callback.searchParams.set('state', 'other')
    await expectRefused(browser, callback)
  })

  it('when the provider refuses', async () => {
    const browser = visitor()
    const begun = browser.redirectOf(await browser.visit(`${home}/_brickgate/sign-in`))
    const state = begun.searchParams.get('state') ?? ''
    const iss = begun.origin
    const query = new URLSearchParams({ error: 'access_denied', state, iss })
    await expectRefused(browser, new URL(`${home}/_brickgate/callback?${query.toString()}`), 403)
  })

  it('when access was ended for longer than the sign-in is old', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    await stack.redis.set(
      'bg:revoked:subject:demo|alice',
      String(Math.ceil(Date.now() / 1000)),
      'EX',
      60,
    )
    const response = await browser.visit(callback)
    await stack.redis.del('bg:revoked:subject:demo|alice')

    expect(response.status).toBe(403)
    expect(await pageOf(response)).toContain('Access was ended')
  })
})

describe('pages for browsers', () => {
  it.each([
    'sign-in',
    'callback?code=c&state=s',
    'signed-out',
    '',
    'frontchannel-logout?iss=x&sid=y',
  ])('are not served to another host: /_brickgate/%s', async (page) => {
    for (const host of ['evil.example', 'localhost', `evil.localhost:${stack.listener().port}`]) {
      const answer = await stack.send(`/_brickgate/${page}`, { headers: { host } })
      expect(answer.status).toBe(421)
      expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'MISDIRECTED_REQUEST' })
    }
  })

  it.each(['sign-in', 'callback', 'signed-out'])('take no POST: %s', async (page) => {
    const answer = await stack.send(`/_brickgate/${page}`, { method: 'POST', body: 'a=1' })
    expect([404, 415]).toContain(answer.status)
  })
})
