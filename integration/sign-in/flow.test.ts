import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'
import { createVisitor, type Visitor } from './browser.ts'
import { callbackOf, expectRefused, FORGOTTEN_SIGN_IN, spentKey } from './callbacks.ts'

const PATH = '/api/2.1/clusters/list'
const PAGE = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }

let stack: StackClient
let home: string

beforeAll(() => {
  stack = stackClient(sharedStack())
  home = stack.info.config.tiers.internal.public_url
})

afterAll(() => stack.close())

function visitor(): Visitor {
  return createVisitor(stack)
}

describe('a page navigation without a good credential', () => {
  const navigate = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
    stack.send(`${PATH}?a=1`, { headers: { ...PAGE, ...headers } })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['none', {}],
    ['a session that nobody made', { cookie: `__Host-brickgate=bgs_${'A'.repeat(43)}` }],
    ['a cookie that is no session', { cookie: '__Host-brickgate=x' }],
  ])(
    'a page navigation without a good credential is sent to sign-in on the tier: %s',
    async (_, headers) => {
      const { status, headers: given } = await navigate(headers)
      expect(status).toBe(303)
      const returnTo = encodeURIComponent(`${PATH}?a=1`)
      expect(given['location']).toBe(`${home}/_brickgate/sign-in?return_to=${returnTo}`)
      expect(given['cache-control']).toBe('no-store')
      const audit = await stack.auditOf(String(given['x-request-id']))
      expect(audit).toMatchObject({ decision: 'deny', path: PATH })
    },
  )

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['a program', 'GET', { accept: '*/*' }],
    ['a POST', 'POST', PAGE],
    ['a fetch by a script', 'GET', { accept: 'text/html', 'sec-fetch-mode': 'cors' }],
    ['a bearer token', 'GET', { ...PAGE, authorization: 'Bearer word' }],
  ])(
    'a page navigation without a good credential is not what %s is',
    async (_, method, headers) => {
      const answer = await stack.send(PATH, { method, headers })
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'UNAUTHENTICATED' })
    },
  )

  it('a page navigation without a good credential is sent to its own tier', async () => {
    const { headers } = await send(stack.listener('external'), PATH, { headers: PAGE })
    expect(headers['location']).toContain(stack.info.config.tiers.external.public_url)
  })
})

describe('a sign-in', () => {
  it('a sign-in leads back to the page that was asked for, with a session that opens it', async () => {
    const browser = visitor()
    const done = await browser.signIn('alice', `${PATH}?a=1`)

    expect(done.status).toBe(303)
    expect(browser.redirectOf(done).href).toBe(`${home}${PATH}?a=1`)
    expect(done.headers.getSetCookie()).toEqual([
      expect.stringMatching(FORGOTTEN_SIGN_IN),
      expect.stringMatching(
        /^__Host-brickgate=bgs_[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      ),
    ])
    expect(browser.signIns()).toEqual([])
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

  it('a sign-in asks the provider with PKCE, state, nonce and our own callback', async () => {
    const browser = visitor()
    const begun = await browser.load(`${home}/_brickgate/sign-in?return_to=%2Fa`)

    expect(begun.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-brickgate-signin-[0-9a-f]{16}=eyJ[\w.-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
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
    expect(await stack.redis.exists(spentKey(asked.get('state') ?? ''))).toBe(0)
  })

  it('a sign-in writes nothing to Redis before its callback, and then one short mark for ten minutes', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    const key = spentKey(callback.searchParams.get('state') ?? '')
    expect(await stack.redis.exists(key)).toBe(0)
    await browser.load(callback)
    expect(await stack.redis.get(key)).toBe('1')
    expect(await stack.redis.ttl(key)).toBeGreaterThan(500)
    expect(await stack.redis.ttl(key)).toBeLessThanOrEqual(601) // to the end of a second
  })

  it('a sign-in comes back to a deep link of more than 2,048 characters', async () => {
    const browser = visitor()
    const link = `/sql/editor?q=${'SELECT%20a%2C%20'.repeat(200)}`
    const refused = await stack.send(link, { headers: PAGE })
    const begun = await browser.load(String(refused.headers['location']))
    const [cookie] = browser.signIns()
    expect(cookie?.value.length).toBeLessThan(3 * 1024)
    const callback = await browser.signInAtProvider(browser.redirectOf(begun), 'alice')
    expect(browser.redirectOf(await browser.load(callback)).href).toBe(`${home}${link}`)
  })

  it.each(['//evil.example', 'https://evil.example', '/%5cevil.example', '/_brickgate/sign-out'])(
    'a sign-in never leads to %s',
    async (returnTo) => {
      const browser = visitor()
      const done = await browser.signIn('alice', returnTo)
      expect(browser.redirectOf(done).href).toBe(`${home}/_brickgate/`)
    },
  )

  it('a sign-in gives a fresh session each time, and ends the one before of this browser', async () => {
    const browser = visitor()
    await browser.signIn('alice')
    const first = browser.sessionId()
    await browser.signIn('alice')

    expect(browser.sessionId()).not.toBe(first)
    const headers = { cookie: `__Host-brickgate=${first}` }
    expect((await stack.send(PATH, { headers })).status).toBe(401)
    expect((await stack.send(PATH, { headers: { cookie: browser.cookies() } })).status).toBe(200)
  })

  it('a sign-in takes no session id that somebody planted in the browser', async () => {
    const browser = visitor()
    const planted = `bgs_${'P'.repeat(43)}`
    browser.plant('__Host-brickgate', planted)
    await browser.signIn('alice')
    expect(browser.sessionId()).not.toBe(planted)
  })

  it('a sign-in works in four tabs of one browser, and a fifth takes the place of the first', async () => {
    const browser = visitor()
    const callbacks: URL[] = []
    for (let tab = 1; tab <= 5; tab += 1) callbacks.push(await callbackOf(browser))
    expect(browser.signIns()).toHaveLength(4)
    const [first, ...others] = callbacks
    if (first === undefined) throw new Error('there is no first tab')
    await expectRefused(browser, first)
    for (const callback of others) {
      const done = await browser.load(callback)
      expect(browser.redirectOf(done).href).toBe(`${home}/_brickgate/`)
      expect(done.headers.getSetCookie().join()).toContain('__Host-brickgate=bgs_')
    }
    expect(browser.signIns()).toEqual([])
  })

  it('a sign-in counts on its own tier only', async () => {
    const browser = visitor()
    await browser.signIn('alice')
    const cookie = `__Host-brickgate=${browser.sessionId()}`
    const answer = await send(stack.listener('external'), PATH, { headers: { cookie } })
    expect(answer.status).toBe(403)
    const page = await send(stack.listener('external'), PATH, { headers: { cookie, ...PAGE } })
    expect(page.status).toBe(303)
  })
})

describe('pages for browsers', () => {
  it.each([
    'sign-in',
    'callback?code=c&state=s',
    'signed-out',
    '',
    'frontchannel-logout?iss=x&sid=y',
  ])('pages for browsers are not served to another host: /_brickgate/%s', async (page) => {
    for (const host of ['evil.example', 'localhost', `evil.localhost:${stack.listener().port}`]) {
      const answer = await stack.send(`/_brickgate/${page}`, { headers: { host } })
      expect(answer.status).toBe(421)
      expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'MISDIRECTED_REQUEST' })
    }
  })

  it.each(['sign-in', 'callback', 'signed-out'])(
    'pages for browsers take no POST: %s',
    async (page) => {
      const answer = await stack.send(`/_brickgate/${page}`, { method: 'POST', body: 'a=1' })
      expect([404, 415]).toContain(answer.status)
    },
  )
})
