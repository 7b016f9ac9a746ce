import { type CookieBrowser, createCookieBrowser } from '../../demo/service/cookie-browser.ts'
import { createTrustingFetch } from '../../demo/service/trusting-fetch.ts'
import { sessionKey } from '../../sidecar/src/domain/redis-keys.ts'
import { type Cookie, signInCookiesOf } from '../../sidecar/src/http/cookies.ts'
import { createRecordCipher, type RecordCipher } from '../../sidecar/src/session/record-cipher.ts'
import {
  decodeSession,
  encodeSession,
  type Session,
  sidOf,
} from '../../sidecar/src/session/session.ts'
import type { StackClient } from '../harness/client.ts'
import { stackFile } from '../harness/stack.ts'

/**
 * A browser at the stack's gateway and at its provider, without scripts, that a test steers by
 * hand.
 */
export interface Visitor extends CookieBrowser {
  /** the first tier's public URL */
  readonly home: string
  /** goes on from the provider's answer to a sign-in until it redirects back to the gateway */
  signInAtProvider(authorization: URL, username: string): Promise<URL>
  /**
   * signs in whole.
   *
   * @returns the answer of the callback
   */
  signIn(username: string, returnTo?: string): Promise<Response>
  /**
   * agrees to sign out at the provider.
   *
   * @returns where that leads
   */
  confirmSignOut(endSession: URL): Promise<URL>
  /** the token of the forms on its page about sessions */
  csrf(): Promise<string>
  /** sends a form to `/_brickgate/<name>` as a page of ours does */
  post(name: string, form: Readonly<Record<string, string>>): Promise<Response>
  /** `name=value` pairs that the browser would send to the gateway */
  cookies(): string
  /** the opaque id of its session; empty without one */
  sessionId(): string
  /** SHA-256 (hex) of it */
  sid(): string
  /** the cookies of its sign-ins under way, oldest first */
  signIns(): readonly Cookie[]
  /** sets a cookie as an attacker with power over the browser's cookies does */
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
        const response = await browser.load(at)
        at = response.status === 200 ? await submit(at, username) : browser.redirectOf(response)
      }
      throw new Error('the provider does not come to an end')
    },
    async signIn(username, returnTo = '/_brickgate/') {
      const query = new URLSearchParams({ return_to: returnTo })
      const begun = await browser.load(`${home}/_brickgate/sign-in?${query.toString()}`)
      return browser.load(await visitor.signInAtProvider(browser.redirectOf(begun), username))
    },
    async confirmSignOut(endSession) {
      const page = await (await browser.load(endSession)).text()
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
      const at = new URL('/session/end/confirm', endSession)
      return browser.redirectOf(await browser.load(at, { xsrf, logout: 'yes' }))
    },
    async csrf() {
      const page = await (await browser.load(`${home}/_brickgate/`)).text()
      return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
    },
    post: (name, form) => browser.load(`${home}/_brickgate/${name}`, form, { origin: home }),
    cookies: () => browser.cookiesOf(home),
    sessionId: () => cookieOf('__Host-brickgate'),
    sid: () => sidOf(cookieOf('__Host-brickgate')),
    signIns: () => signInCookiesOf(browser.cookiesOf(home)),
    plant: (name, value) => browser.setCookie(home, name, value),
  }
  return visitor

  function cookieOf(name: string): string {
    const cookies = browser.cookiesOf(home).split('; ')
    return cookies.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  }

  async function submit(form: URL, username: string): Promise<URL> {
    return browser.redirectOf(await browser.load(form, { username }))
  }
}

/**
 * The session in a record.
 *
 * @throws when there is none that opens
 */
export async function readSession(stack: StackClient, sid: string): Promise<Session> {
  const record = (await stack.redis.get(sessionKey(sid))) ?? ''
  const session = decodeSession((await cipherOf(stack).decrypt(record)) ?? '')
  if (session === null) throw new Error(`there is no session ${sid}`)
  return session
}

/**
 * Changes the record of a session that there is, as a sign-in with other tokens would have left it.
 */
export async function storeSession(stack: StackClient, session: Session): Promise<void> {
  const record = await cipherOf(stack).encrypt(encodeSession(session))
  await stack.redis.set(sessionKey(session.sid), record, 'KEEPTTL')
}

function cipherOf(stack: StackClient): RecordCipher {
  const key = Buffer.from(stackFile(stack.info, 'secrets/session-key').trim(), 'base64url')
  return createRecordCipher([key])
}
