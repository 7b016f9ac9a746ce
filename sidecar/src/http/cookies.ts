import type { Presented } from '../domain/access-request.ts'

/**
 * The cookie of a browser's session id. Its prefix keeps other hosts and plain HTTP from setting
 * it.
 */
export const SESSION_COOKIE = '__Host-brickgate'

/** Prefix of the cookies for unfinished sign-ins, one cookie each. */
export const SIGN_IN_COOKIE = '__Host-brickgate-signin-'
const SIGN_IN_NAME = /^__Host-brickgate-signin-[0-9a-f]{16}$/

export interface Cookie {
  readonly name: string
  readonly value: string
}

/**
 * Matches every cookie with one of these names, in any case and position, and every session id: a
 * Cookie header merged by a comma, a nameless cookie (`=__Host-brickgate=…`), another name.
 */
const OURS = /__host-brickgate|bgs_[A-Za-z0-9_-]{43}/i

/**
 * Splits a `Cookie` field (RFC 6265 section 5.4) as leniently as browsers join it.
 *
 * @param field the whole field, null when absent
 * @returns the values of every session cookie, and the other cookies unchanged, without any of
 *   the gateway's
 */
export function readCookies(
  field: string | null,
): Pick<Presented, 'sessionCookies' | 'otherCookies'> {
  const sessionCookies: string[] = []
  const others: string[] = []
  for (const piece of (field ?? '').split(';')) {
    const pair = trim(piece)
    const { name, value } = splitPair(pair)
    if (name === SESSION_COOKIE) sessionCookies.push(value)
    else if (pair !== '' && !OURS.test(pair)) others.push(pair)
  }
  return { sessionCookies, otherCookies: others.join('; ') }
}

/**
 * The value of one of the gateway's cookies, for the responder.
 *
 * @returns null when the cookie is absent or repeated
 */
export function cookieOf(name: string, field: string | null): string | null {
  const pairs = (field ?? '').split(';').map((piece) => splitPair(trim(piece)))
  const [first, ...further] = pairs.filter((pair) => pair.name === name)
  return first === undefined || further.length > 0 ? null : first.value
}

/** The cookies of unfinished sign-ins, in the order sent: oldest first (RFC 6265 section 5.4). */
export function signInCookiesOf(field: string | null): readonly Cookie[] {
  const pairs = (field ?? '').split(';').map((piece) => splitPair(trim(piece)))
  return pairs.filter(({ name }) => SIGN_IN_NAME.test(name))
}

/**
 * A `Set-Cookie` field. Browsers send the cookie only to this host, only over TLS, to no script,
 * and for requests of other sites only with a top-level GET. Without a maximum age it ends with the
 * browser.
 *
 * @param value of characters that need no quoting (RFC 6265 section 4.1.1)
 * @param maxAgeSeconds 0 removes the cookie
 */
export function setCookie(name: string, value: string, maxAgeSeconds: number | null): string {
  const age = maxAgeSeconds === null ? '' : `; Max-Age=${maxAgeSeconds}`
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax${age}`
}

function splitPair(pair: string): Cookie {
  const at = pair.indexOf('=')
  if (at < 0) return { name: pair, value: '' }
  return { name: trim(pair.slice(0, at)), value: trim(pair.slice(at + 1)) }
}

/**
 * Removes spaces and tabs around a text. A regular expression would take quadratic time on many of
 * them.
 */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charAt(start))) start++
  while (end > start && isBlank(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
