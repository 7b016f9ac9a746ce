import { type CookieBrowser, createCookieBrowser } from '../service/cookie-browser.ts'
import { createTrustingFetch } from '../service/trusting-fetch.ts'
import type { StackClient } from '../stack/client.ts'

/** A browser at the stack's gateway and at its provider, without scripts, that a test steers by hand. */
export interface Visitor extends CookieBrowser {
  /** the first tier's public URL */
  readonly home: string
  /** goes on from the provider's answer to a sign-in until it redirects back to the gateway */
  signInAtProvider(authorization: URL, username: string): Promise<URL>
  /** signs in whole. @returns the answer of the callback */
  signIn(username: string, returnTo?: string): Promise<Response>
  /** `name=value` pairs that the browser would send to the gateway */
  cookies(): string
  /** the opaque id of its session; empty without one */
  sessionId(): string
  /** what an attacker with power over the browser's cookies does */
  plant(name: string, value: string): void
}

export function createVisitor(stack: StackClient): Visitor {
  const home = stack.info.config.tiers.internal.public_url
  const fetch = createTrustingFetch(stack.listener().ca)
  const browser = createCookieBrowser(fetch)
  const visitor: Visitor = {
    ...browser,
    home,
    async signInAtProvider(authorization, username) {
      let at = authorization
      for (let steps = 0; steps < 10; steps += 1) {
        if (at.pathname.startsWith('/_brickgate/')) return at
        const response = await browser.visit(at)
        at = response.status === 200 ? await submit(at, username) : browser.redirectOf(response)
      }
      throw new Error('the provider does not come to an end')
    },
    async signIn(username, returnTo = '/_brickgate/') {
      const query = new URLSearchParams({ return_to: returnTo })
      const begun = await browser.visit(`${home}/_brickgate/sign-in?${query.toString()}`)
      return browser.visit(await visitor.signInAtProvider(browser.redirectOf(begun), username))
    },
    cookies: () => browser.cookiesOf(home),
    sessionId: () => /__Host-brickgate=([^;]+)/.exec(browser.cookiesOf(home))?.[1] ?? '',
    plant: (name, value) => browser.setCookie(home, name, value),
  }
  return visitor

  async function submit(form: URL, username: string): Promise<URL> {
    return browser.redirectOf(await browser.visit(form, { username }))
  }
}
