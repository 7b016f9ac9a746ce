import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { createVisitor, type Visitor } from './browser.ts'
import { callbackOf, expectRefused, pageOf } from './callbacks.ts'

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

describe('a callback signs nobody in', () => {
  async function expectFreshSignIn(browser: Visitor, callback: URL): Promise<void> {
    const session = browser.sessionId()
    const response = await browser.load(callback)
    expect(browser.redirectOf(response).href).toBe(`${home}/_brickgate/sign-in`)
    expect(browser.sessionId()).toBe(session)
  }

  it('a callback signs nobody in with a browser that did not begin it (login CSRF)', async () => {
    const attacker = visitor()
    const callback = await callbackOf(attacker)

    await expectRefused(visitor(), callback)
    const victim = visitor()
    await victim.load(`${home}/_brickgate/sign-in`) // has a sign-in cookie of its own
    await expectRefused(victim, callback)
    const cookies = attacker.cookies()
    expect((await attacker.load(callback)).status).toBe(303) // nobody else used it up
    // nor with the attacker's own cookies, once it is
    const [name = '', value = ''] = cookies.split('; ').at(-1)?.split('=') ?? []
    victim.plant(name, value)
    await expectFreshSignIn(victim, callback)
  })

  it('a callback signs nobody in twice: it leads to the page of the session, or without one to a fresh sign-in', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    expect((await browser.load(callback)).status).toBe(303)
    const session = browser.sessionId()
    const again = await browser.load(callback)
    expect(browser.redirectOf(again).href).toBe(`${home}/_brickgate/`)
    expect(browser.sessionId()).toBe(session)

    await stack.redis.del(`bg:session:${browser.sid()}`)
    await expectFreshSignIn(browser, callback)
    await expectFreshSignIn(visitor(), callback)
  })

  it('a callback signs nobody in on the other tier', async () => {
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
  ])('a callback signs nobody in %s', async (_, change, status) => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    change(callback)
    await expectRefused(browser, callback, status)
  })

  it('a callback signs nobody in when its cookie was edited, or is that of another sign-in', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    const [cookie] = browser.signIns()
    const { name, value } = cookie ?? { name: '', value: '' }
    browser.plant(name, `${value.slice(0, -2)}AA`)
    await expectRefused(browser, callback)
    await browser.load(`${home}/_brickgate/sign-in`)
    browser.plant(name, browser.signIns().at(-1)?.value ?? '')
    await expectRefused(browser, callback)
    browser.plant(name, value)
    expect((await browser.load(callback)).status).toBe(303)
  })

  it('a callback signs nobody in when the provider refuses', async () => {
    const browser = visitor()
    const begun = browser.redirectOf(await browser.load(`${home}/_brickgate/sign-in`))
    const state = begun.searchParams.get('state') ?? ''
    const iss = begun.origin
    const query = new URLSearchParams({ error: 'access_denied', state, iss })
    await expectRefused(browser, new URL(`${home}/_brickgate/callback?${query.toString()}`), 403)
  })

  it('a callback signs nobody in when access was ended for longer than the sign-in is old', async () => {
    const browser = visitor()
    const callback = await callbackOf(browser)
    await stack.redis.set(
      'bg:revoked:subject:demo|alice',
      String(Math.ceil(Date.now() / 1000)),
      'EX',
      60,
    )
    const response = await browser.load(callback)
    await stack.redis.del('bg:revoked:subject:demo|alice')

    expect(response.status).toBe(403)
    expect(await pageOf(response)).toContain('Access was ended')
  })
})
