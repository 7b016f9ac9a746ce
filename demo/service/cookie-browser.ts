import type { TrustingFetch } from './trusting-fetch.ts'

/** A browser as far as a sign-in needs: cookies are kept, redirects are the caller's to follow. */
export interface CookieBrowser {
  /** sends GET, or POST with `form`; follows no redirect */
  load(address: string | URL, form?: Fields, headers?: Fields): Promise<Response>
  /**
   * the absolute target of a redirect
   *
   * @throws {Error} for any other response
   */
  redirectOf(response: Response): URL
  /** the `Cookie` field for an address, empty without any */
  cookiesOf(address: string | URL): string
  setCookie(address: string | URL, name: string, value: string): void
}

type Fields = Readonly<Record<string, string>>

/** @param fetch reaches the servers; cookies are kept per origin, paths and expiry ignored */
export function createCookieBrowser(fetch: TrustingFetch): CookieBrowser {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: URL): Map<string, string> => {
    const jar = jars.get(url.origin) ?? new Map<string, string>()
    jars.set(url.origin, jar)
    return jar
  }
  return {
    async load(address, form, headers = {}) {
      const url = new URL(address)
      const jar = jarOf(url)
      const cookie = fieldOf(jar)
      const posting = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
      const sent = { cookie, ...headers }
      const response = await fetch(url, { headers: sent, redirect: 'manual', ...posting })
      for (const line of response.headers.getSetCookie()) keep(jar, line)
      return response
    },
    redirectOf(response) {
      const location = response.headers.get('location')
      if (location === null) throw new Error(`status ${response.status} is no redirect`)
      return new URL(location, response.url)
    },
    cookiesOf: (address) => fieldOf(jarOf(new URL(address))),
    setCookie: (address, name, value) => void jarOf(new URL(address)).set(name, value),
  }
}

function fieldOf(jar: ReadonlyMap<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';', 1)
  const name = pair.slice(0, pair.indexOf('='))
  const value = pair.slice(name.length + 1)
  if (value === '') jar.delete(name)
  else jar.set(name, value)
}
