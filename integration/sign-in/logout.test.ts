import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { createVisitor, readSession, storeSession, type Visitor } from './browser.ts'

const PATH = '/api/2.1/clusters/list'
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }

let stack: StackClient
let home: string
let issuer: string

beforeAll(() => {
  stack = stackClient(sharedStack())
  home = stack.info.config.tiers.internal.public_url
  issuer = stack.info.config.issuers[0].issuer
})

afterEach(async () => {
  const keys = await stack.redis.keys('bg:revoked:*:demo|*')
  if (keys.length > 0) await stack.redis.del(keys)
})

afterAll(() => stack.close())

async function signedIn(username = 'bob'): Promise<Visitor> {
  const visitor = createVisitor(stack)
  expect((await visitor.signIn(username)).status).toBe(303)
  return visitor
}

/** Whether the visitor's session still opens the workspace; its cookie is sent whatever it is. */
async function statusOf(cookie: string): Promise<number> {
  return (await stack.send(PATH, { headers: { cookie } })).status
}

async function idpSessionOf(visitor: Visitor): Promise<string> {
  return (await readSession(stack, visitor.sid())).principal.idpSession ?? ''
}

describe('a sign-out', () => {
  it('a sign-out ends the session here, then at the provider, and leads back', async () => {
    const visitor = await signedIn()
    const cookie = visitor.cookies()
    const csrf = await visitor.csrf()
    const response = await visitor.post('sign-out', { csrf })

    expect(response.status).toBe(303)
    expect(visitor.sessionId()).toBe('')
    expect(await statusOf(cookie)).toBe(401)
    const at = visitor.redirectOf(response)
    expect(at.origin).toBe(issuer)
    expect(Object.fromEntries(at.searchParams)).toEqual({
      client_id: 'brickgate-signin',
      post_logout_redirect_uri: `${home}/_brickgate/signed-out`,
      id_token_hint: expect.stringMatching(/^eyJ/),
    })
    const back = await visitor.confirmSignOut(at)
    expect(back.href).toBe(`${home}/_brickgate/signed-out`)
    expect(await (await visitor.load(back)).text()).toContain('You are signed out')
  })

  it.each<[string, (visitor: Visitor) => Promise<unknown>]>([
    ['is over', (visitor) => stack.redis.del(`bg:session:${visitor.sid()}`)],
    [
      'was revoked',
      (visitor) => stack.redis.set(`bg:revoked:session:${visitor.sid()}`, '1', 'EX', 60),
    ],
  ])(
    'a sign-out of a session that %s leads on to the provider, where nobody is signed out yet',
    async (_, end) => {
      const visitor = await signedIn()
      await end(visitor)
      const response = await visitor.post('sign-out', {})
      const at = visitor.redirectOf(response)
      expect(`${at.origin}${at.pathname}`).toBe(`${issuer}/session/end`)
      expect(Object.fromEntries(at.searchParams)).toEqual({
        client_id: 'brickgate-signin',
        post_logout_redirect_uri: `${home}/_brickgate/signed-out`,
      })
      expect(visitor.sessionId()).toBe('')
      expect((await visitor.confirmSignOut(at)).href).toBe(`${home}/_brickgate/signed-out`)
    },
  )

  it('a sign-out by a form of another site, which comes without the cookie, removes no cookie', async () => {
    const browser = createVisitor(stack)
    const action = `${home}/_brickgate/sign-out`
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: home.replace('https:', 'http:') },
      { 'sec-fetch-site': 'cross-site' },
      {},
    ]) {
      const response = await browser.load(action, { csrf: 'x' }, headers)
      expect(response.status).toBe(403)
      expect(response.headers.getSetCookie()).toEqual([])
      expect(await response.text()).toContain('Nothing was changed')
    }
  })

  it('a sign-out leaves an ID token of many groups out of the URL, and names the person instead', async () => {
    const visitor = await signedIn()
    const session = await readSession(stack, visitor.sid())
    const groups = Array.from({ length: 400 }, (_, index) => `a-group-of-many-${index}`)
    const idToken = await stack.mint({ sub: 'bob', aud: 'brickgate-signin', groups })
    expect(idToken.length).toBeGreaterThan(8000)
    await storeSession(stack, { ...session, idToken })
    const at = visitor.redirectOf(await visitor.post('sign-out', { csrf: await visitor.csrf() }))
    expect(at.href.length).toBeLessThanOrEqual(2000)
    expect(Object.fromEntries(at.searchParams)).toEqual({
      client_id: 'brickgate-signin',
      post_logout_redirect_uri: `${home}/_brickgate/signed-out`,
      logout_hint: 'bob@example.com',
    })
    expect((await visitor.confirmSignOut(at)).href).toBe(`${home}/_brickgate/signed-out`)
  })
})

describe('a back-channel logout', () => {
  const deliver = (tokens: readonly string[]) =>
    stack.send('/_brickgate/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(
        tokens.map((token): [string, string] => ['logout_token', token]),
      ).toString(),
    })
  const order = (claims: object, header: object = {}): Promise<string> => {
    const iat = Math.floor(Date.now() / 1000)
    const own = { aud: 'brickgate-signin', iat, exp: iat + 120, events: EVENTS }
    const joseHeader = { __header: { typ: 'logout+jwt', ...header } }
    return stack.mint({ ...own, client_id: null, scope: null, ...claims, ...joseHeader })
  }

  it('a back-channel logout by the provider itself ends the session at once', async () => {
    const visitor = await signedIn()
    const cookie = visitor.cookies()
    expect(await statusOf(cookie)).toBe(200)
    await visitor.confirmSignOut(new URL(`${issuer}/session/end`))
    expect(await statusOf(cookie)).toBe(401)
  })

  it('a back-channel logout by session ends that one alone, by subject all of them', async () => {
    const [first, second] = [await signedIn(), await signedIn()]
    const sid = await idpSessionOf(first)
    const bySession = await deliver([await order({ sub: 'bob', sid })])
    expect(bySession).toMatchObject({ status: 200, body: '' })
    expect(bySession.headers['cache-control']).toBe('no-store')
    expect(await statusOf(first.cookies())).toBe(401)
    expect(await statusOf(second.cookies())).toBe(200)

    expect((await deliver([await order({ sub: 'bob' })])).status).toBe(200)
    expect(await statusOf(second.cookies())).toBe(401)
    expect(await stack.redis.ttl('bg:revoked:subject:demo|bob')).toBeGreaterThan(107_000)
  })

  it('a back-channel logout that arrives before its session still wins', async () => {
    const visitor = createVisitor(stack)
    const begun = visitor.redirectOf(await visitor.load(`${home}/_brickgate/sign-in`))
    const callback = await visitor.signInAtProvider(begun, 'bob')
    const iat = Math.floor(Date.now() / 1000)
    await deliver([await order({ sub: 'bob', iat, exp: iat + 120 })])
    const response = await visitor.load(callback)
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('Access was ended')
    expect(visitor.sessionId()).toBe('')
  })

  it('a back-channel logout is obeyed once', async () => {
    const token = await order({ sub: 'nobody' })
    expect((await deliver([token])).status).toBe(200)
    const again = await deliver([token])
    expect(again.status).toBe(400)
    expect(JSON.parse(again.body)).toMatchObject({ error: 'invalid_request' })
    expect(again.headers['cache-control']).toBe('no-store')
  })

  it('a back-channel logout is refused in any other form', async () => {
    const visitor = await signedIn()
    const sub = 'bob'
    const good = await order({ sub })
    const bad = [
      await order({ sub, aud: 'api://databricks' }),
      await order({ sub, nonce: 'n' }),
      await order({ sub, events: {} }),
      await order({ sub, jti: null }),
      await order({ sub, exp: null }),
      await order({ sub, iat: Math.floor(Date.now() / 1000) - 600, exp: 1 }),
      await order({ sub, iss: 'https://evil.example' }),
      await order({ sub }, { alg: 'none' }),
      await order({ sub }, { alg: 'HS256' }),
      await order({ sub: null }),
      await stack.mint({ sub }),
      'word',
      '',
    ]
    for (const token of bad) expect((await deliver([token])).status).toBe(400)
    expect((await deliver([good, good])).status).toBe(400)
    expect((await deliver([])).status).toBe(400)
    const json = { 'content-type': 'application/json' }
    const body = JSON.stringify({ logout_token: good })
    const wrongType = { method: 'POST', headers: json, body }
    expect((await stack.send('/_brickgate/backchannel-logout', wrongType)).status).toBe(400)
    expect(await statusOf(visitor.cookies())).toBe(200)
  })

  it('a back-channel logout token is no credential', async () => {
    const answer = await stack.sendAs(await order({ sub: 'bob' }), PATH)
    expect(answer.status).toBe(401)
  })
})

describe('a front-channel logout', () => {
  const sendRequest = (query: Readonly<Record<string, string>>) =>
    stack.send(`/_brickgate/frontchannel-logout?${new URLSearchParams(query).toString()}`)

  it('a front-channel logout ends the sessions of an IdP session, in a frame of the provider', async () => {
    const visitor = await signedIn()
    const sid = await idpSessionOf(visitor)
    const answer = await sendRequest({ iss: issuer, sid })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-security-policy']).toBe(
      `default-src 'none'; frame-ancestors ${issuer}`,
    )
    expect(await statusOf(visitor.cookies())).toBe(401)
  })

  it('a front-channel logout of an IdP session that nobody signed in by here writes nothing', async () => {
    const visitor = await signedIn()
    const sid = await idpSessionOf(visitor)
    for (const query of [
      { iss: issuer, sid: 'unknown' },
      { iss: 'https://evil.example', sid },
      { iss: issuer },
      { sid },
      { iss: issuer, sid: `${sid} ` },
      {},
    ]) {
      expect((await sendRequest(query)).status).toBe(400)
    }
    expect(await stack.redis.keys('bg:revoked:idp-session:*')).toEqual([])
    expect(await statusOf(visitor.cookies())).toBe(200)
  })
})
