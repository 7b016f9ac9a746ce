import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { createVisitor } from './browser.ts'
import {
  fetchStatus,
  newPerson,
  serveOtherOrigin,
  signInAtProvider,
  startChromium,
  tryWebSocket,
} from './chromium.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const SOCKET = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/echo'

let stack: StackClient
let browser: Browser
let home: string
let issuer: string
const people: BrowserContext[] = []

beforeAll(async () => {
  stack = stackClient(sharedStack())
  home = stack.info.config.tiers.internal.public_url
  issuer = stack.info.config.issuers[0].issuer
  browser = await startChromium()
})

afterEach(async () => {
  for (const person of people.splice(0)) await person.close()
})

afterAll(async () => {
  await browser.close()
  stack.close()
})

async function openPage(): Promise<Page> {
  const person = await newPerson(browser)
  people.push(person)
  return person.newPage()
}

/** A page that asked for something in the workspace, and got it after a sign-in. */
async function signedIn(username = 'alice', path = `${CLUSTERS}?a=1`): Promise<Page> {
  const page = await openPage()
  await page.goto(`${home}${path}`)
  await signInAtProvider(page, username)
  await page.waitForURL(`${home}${path}`)
  return page
}

/** The reasons of the decisions about a path so far; observers run after the reply. */
function auditedReasons(path: string): readonly string[] {
  return auditLines(stack.info).flatMap((line) => (line['path'] === path ? [line.reason] : []))
}

/** Writes the pictures of docs/sign-in.md when `UPDATE_IMAGES` is set. */
async function picture(page: Page, name: string): Promise<void> {
  if (process.env['UPDATE_IMAGES'] === undefined) return
  await page.screenshot({ path: join(HOME, 'docs/images', name), animations: 'disabled' })
}

describe('in Chromium a person', () => {
  it('in Chromium a person signs in, comes back to the page asked for, and calls the API with the cookie', async () => {
    const page = await signedIn()

    expect(await page.textContent('body')).toContain('clusters')
    expect(await fetchStatus(page, CLUSTERS)).toBe(200)
    // The workspace's own word: no cluster was named.
    expect(await fetchStatus(page, '/api/2.1/clusters/start', 'POST')).toBe(400)
    expect(await tryWebSocket(page, `${home.replace('https', 'wss')}${SOCKET}`)).toBe('echo')
    const cookies = await page.context().cookies(home)
    expect(cookies.filter(({ name }) => name === '__Host-brickgate')).toEqual([
      expect.objectContaining({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' }),
    ])
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  it('in Chromium a person sends a callback again and is led to their page, or without a session to the provider', async () => {
    const page = await openPage()
    const callback = page.waitForRequest((request) =>
      request.url().includes('/_brickgate/callback?'),
    )
    await page.goto(`${home}${CLUSTERS}`)
    await signInAtProvider(page, 'alice')
    const again = (await callback).url()
    await page.waitForURL(`${home}${CLUSTERS}`)
    await page.goto(again)
    expect(page.url()).toBe(`${home}/_brickgate/`)
    await page.context().clearCookies()
    await page.goto(again)
    expect(new URL(page.url()).origin).toBe(issuer)
    expect(await page.getByLabel('Username').count()).toBe(1)
  })

  it('in Chromium a person signs in in tabs that were opened at once', async () => {
    const person = await newPerson(browser)
    people.push(person)
    const tabs = await Promise.all([1, 2, 3, 4].map(() => person.newPage()))
    await Promise.all(tabs.map((tab, index) => tab.goto(`${home}${CLUSTERS}?tab=${index}`)))
    for (const [index, tab] of tabs.entries()) {
      await signInAtProvider(tab, 'alice')
      await tab.waitForURL(`${home}${CLUSTERS}?tab=${index}`)
    }
    const names = (await person.cookies(home)).map(({ name }) => name)
    expect(names.filter((name) => name.startsWith('__Host-'))).toEqual(['__Host-brickgate'])
  })

  it('in Chromium a person sees all sessions and ends another one', async () => {
    const [page, other] = [await signedIn(), await signedIn()]
    await page.goto(`${home}/_brickgate/`)
    expect(await page.textContent('h1')).toBe('alice@example.com')
    expect(await page.getByText('this browser').count()).toBe(1)
    await picture(page, 'sessions.png')

    expect(await fetchStatus(other, CLUSTERS)).toBe(200)
    const others = page.locator('li').filter({ hasNotText: 'this browser' })
    for (let left = await others.count(); left > 0; left -= 1) {
      await others.first().getByRole('button', { name: 'End' }).click()
      await page.waitForURL(`${home}/_brickgate/`)
      await expect.poll(() => others.count()).toBe(left - 1)
    }
    expect(await fetchStatus(other, CLUSTERS)).toBe(401)
    expect((await page.goto(`${home}${CLUSTERS}`))?.status()).toBe(200)
  })

  it('in Chromium a person signs out here and at the provider, and is asked who they are the next time', async () => {
    const page = await signedIn()
    await page.goto(`${home}/_brickgate/`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${issuer}/**`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${home}/_brickgate/signed-out`)

    expect(await page.textContent('h1')).toBe('You are signed out')
    await page.goto(`${home}${CLUSTERS}`)
    expect(new URL(page.url()).origin).toBe(issuer)
    expect(await page.getByLabel('Username').count()).toBe(1)
  })

  it('in Chromium a person is out at once when they sign out at the provider', async () => {
    const page = await signedIn()
    expect(await fetchStatus(page, CLUSTERS)).toBe(200)
    const provider = await page.context().newPage()
    await provider.goto(`${issuer}/session/end`)
    await provider.getByRole('button', { name: 'Sign out' }).click()
    await provider.waitForLoadState()

    expect(await fetchStatus(page, CLUSTERS)).toBe(401)
    await page.reload()
    expect(new URL(page.url()).origin).toBe(issuer)
  })

  it('in Chromium a person is not signed in as an attacker by a link (login CSRF)', async () => {
    const attacker = createVisitor(stack)
    const begun = attacker.redirectOf(await attacker.load(`${home}/_brickgate/sign-in`))
    const callback = await attacker.signInAtProvider(begun, 'bob')

    const victim = await openPage()
    const response = await victim.goto(callback.href)
    expect(response?.status()).toBe(400)
    expect(await victim.textContent('h1')).toBe('This sign-in is over')
    expect(await victim.context().cookies(home)).toEqual([])
    await picture(victim, 'sign-in-error.png')
  })
})

describe('in Chromium another site', () => {
  it('in Chromium another site cannot sign a person out by a form, which comes without the cookie', async () => {
    const page = await signedIn()
    const action = `${home}/_brickgate/sign-out`
    const form = `<form id="f" method="post" action="${action}"></form>`
    const other = await serveOtherOrigin(stack.info, form)
    await page.goto(other.otherSiteUrl)
    const answered = page.waitForResponse((response) => response.url() === action)
    const shown = page.waitForURL(action)
    await page.evaluate("document.querySelector('#f').submit()")
    await shown
    const response = await answered
    await other.close()

    expect(response.status()).toBe(403)
    expect((await response.request().allHeaders())['cookie']).toBeUndefined()
    expect((await response.allHeaders())['set-cookie']).toBeUndefined()
    await page.goto(`${home}${CLUSTERS}`)
    expect(await fetchStatus(page, CLUSTERS)).toBe(200)
  })
})

describe('in Chromium another origin of the same site', () => {
  const form = (action: string) =>
    `<form id="f" method="post" action="${home}${action}"><input name="session" value="x"></form>`

  it.each(['/api/2.1/clusters/start', '/_brickgate/sign-out', '/_brickgate/end-session'])(
    'in Chromium another origin of the same site cannot POST to %s with the cookie',
    async (action) => {
      const page = await signedIn()
      const before = auditedReasons(action).length
      const other = await serveOtherOrigin(stack.info, form(action))
      await page.goto(other.url)
      const answered = page.waitForResponse((response) => response.url() === `${home}${action}`)
      const shown = page.waitForURL(`${home}${action}`)
      await page.evaluate("document.querySelector('#f').submit()")
      await shown
      expect((await answered).status()).toBe(403)
      await other.close()

      const sent = (await (await answered).request().allHeaders())['cookie']
      expect(sent).toContain('__Host-brickgate=') // it was not the browser that refused
      await expect.poll(() => auditedReasons(action).slice(before)).toEqual(['cross-site-request'])
      await page.goto(`${home}${CLUSTERS}`)
      expect(await fetchStatus(page, CLUSTERS)).toBe(200)
    },
  )

  it('in Chromium another origin of the same site cannot open a WebSocket with the cookie', async () => {
    const page = await signedIn()
    const other = await serveOtherOrigin(stack.info, '<p>other</p>')
    await page.goto(other.url)
    const before = auditedReasons(SOCKET).length
    expect(await tryWebSocket(page, `${home.replace('https', 'wss')}${SOCKET}`)).toBe('refused')
    await other.close()
    await expect.poll(() => auditedReasons(SOCKET).slice(before)).toEqual(['cross-site-request'])
  })

  it('in Chromium another origin of the same site cannot show our pages in a frame', async () => {
    const page = await signedIn()
    const other = await serveOtherOrigin(stack.info, `<iframe src="${home}/_brickgate/"></iframe>`)
    await page.goto(other.url)
    const frame = page.frames()[1]
    await expect.poll(() => frame?.url()).toContain('chrome-error:')
    await other.close()
  })
})
