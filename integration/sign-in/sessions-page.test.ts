import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { createVisitor, type Visitor } from './browser.ts'

const PATH = '/api/2.1/clusters/list'

let stack: StackClient
let home: string

beforeAll(() => {
  stack = stackClient(sharedStack())
  home = stack.info.config.tiers.internal.public_url
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

describe('the page about sessions', () => {
  it('the page about sessions shows the person and every session, and no secret', async () => {
    const visitor = await signedIn('alice')
    const other = await signedIn('alice')
    const response = await visitor.load(`${home}/_brickgate/`)
    const page = await response.text()

    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self' https:\/\/localhost:\d+; frame-ancestors 'none'; base-uri 'none'$/,
      ),
    })
    expect(page).toContain('alice@example.com')
    expect(page).toContain('analysts, data-eng')
    for (const one of [visitor, other]) expect(page).toContain(one.sid())
    expect(page).not.toMatch(/bgs_|eyJ|refresh/)
  })

  it('the page about sessions is sent to sign-in without a session, as a page, and refused to programs', async () => {
    const page = await stack.send('/_brickgate/', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(303)
    expect(page.headers['location']).toBe(`${home}/_brickgate/sign-in`)
    expect((await stack.send('/_brickgate/')).status).toBe(401)
    const token = await stack.mint({ sub: 'alice' })
    expect((await stack.sendAs(token, '/_brickgate/')).status).toBe(401)
  })

  it('the page about sessions ends another session, and one that is ended is gone at once', async () => {
    const visitor = await signedIn('alice')
    const other = await signedIn('alice')
    const csrf = await visitor.csrf()
    const ended = await visitor.post('end-session', { csrf, session: other.sid() })

    expect(visitor.redirectOf(ended).href).toBe(`${home}/_brickgate/`)
    expect(await statusOf(other.cookies())).toBe(401)
    expect(await statusOf(visitor.cookies())).toBe(200)
  })

  it('the page about sessions ends its own session, and the browser forgets it', async () => {
    const visitor = await signedIn()
    const cookie = visitor.cookies()
    const csrf = await visitor.csrf()
    await visitor.post('end-session', { csrf, session: visitor.sid() })
    expect(visitor.sessionId()).toBe('')
    expect(await statusOf(cookie)).toBe(401)
  })

  it('the page about sessions never ends the session of somebody else', async () => {
    const alice = await signedIn('alice')
    const bob = await signedIn('bob')
    const csrf = await alice.csrf()
    for (const session of [bob.sid(), bob.sessionId(), '*', '']) {
      await alice.post('end-session', { csrf, session })
    }
    expect(await statusOf(bob.cookies())).toBe(200)
    expect(await statusOf(alice.cookies())).toBe(200)
  })
})

describe.each(['sign-out', 'end-session'])('the form %s does nothing', (action) => {
  it('a form of the page about sessions does nothing without its token, or with that of another session', async () => {
    const visitor = await signedIn()
    const session = visitor.sid()
    const foreign = await (await signedIn()).csrf()
    const forms = [{ session }, { session, csrf: '' }, { session, csrf: foreign }]
    for (const form of forms) {
      const response = await visitor.post(action, form)
      expect(response.status).toBe(403)
      expect(await response.text()).toContain('Nothing was changed')
    }
    expect(await statusOf(visitor.cookies())).toBe(200)
  })

  it('a form of the page about sessions does nothing from another site, whatever it knows', async () => {
    const visitor = await signedIn()
    const csrf = await visitor.csrf()
    const body = new URLSearchParams({ csrf, session: visitor.sid() }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const from of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const headers = { ...type, ...from, cookie: visitor.cookies() } as Record<string, string>
      const answer = await stack.send(`/_brickgate/${action}`, { method: 'POST', headers, body })
      expect(answer.status).toBe(403)
    }
    expect(await statusOf(visitor.cookies())).toBe(200)
  })

  it('a form of the page about sessions does nothing by GET', async () => {
    const visitor = await signedIn()
    const csrf = await visitor.csrf()
    const query = new URLSearchParams({ csrf, session: visitor.sid() }).toString()
    expect((await visitor.load(`${home}/_brickgate/${action}?${query}`)).status).toBe(404)
    expect(await statusOf(visitor.cookies())).toBe(200)
  })
})

describe('a cookie from another site', () => {
  it('a cookie from another site opens nothing that changes something', async () => {
    const visitor = await signedIn('alice')
    const headers = { cookie: visitor.cookies(), origin: 'https://evil.example' }
    const answer = await stack.send(PATH, { method: 'POST', headers, body: '{}' })
    expect(await auditedRefusal(stack, answer)).toMatchObject({
      ...forbidden('cross-site-request'),
      upstreamRequests: expect.any(Number),
    })
  })
})
