import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { closeServer, listen } from '../../demo/service/listen.ts'
import type { StackInfo } from '../harness/stack.ts'

const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Debian's Chromium, without a window. */
export function startChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: ARGS, headless: true })
}

/** A person's browser: cookies of its own. The stack's CA is not the machine's. */
export function newPerson(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 760, height: 560 },
    colorScheme: 'light',
  })
}

/** Fills in the provider's form. */
export async function signInAtProvider(page: Page, username: string): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Fetches as a script of the page's own origin. */
export function fetchStatus(page: Page, address: string, method = 'GET'): Promise<number> {
  return page.evaluate(
    async ([url = '', verb = '']) => (await fetch(url, { method: verb })).status,
    [address, method],
  )
}

/** How a WebSocket of a page ends: `echo` when it came back, `refused` when it never opened. */
export function tryWebSocket(page: Page, address: string): Promise<string> {
  return page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url)
        socket.addEventListener('open', () => socket.send('echo'))
        socket.addEventListener('message', ({ data }) => resolve(String(data)))
        socket.addEventListener('error', () => resolve('refused'))
      }),
    address,
  )
}

/** Another web server than the gateway. Serves one page, whatever is asked for. */
export interface OtherOrigin {
  /** another origin of the same site, of which a port is no part: requests carry the cookies */
  readonly url: string
  /** the same page on another site: `SameSite=Lax` keeps cookies from its forms */
  readonly otherSiteUrl: string
  close(): Promise<void>
}

export async function serveOtherOrigin({ demo }: StackInfo, html: string): Promise<OtherOrigin> {
  const { cert, key } = demo.pki.servers.gateway
  const tls = { cert: readFileSync(cert), key: readFileSync(key) }
  const server: Server = createServer(tls, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
  const port = await listen(server, 0)
  return {
    url: `https://localhost:${port}/`,
    otherSiteUrl: `https://127.0.0.1:${port}/`,
    close: () => closeServer(server),
  }
}
