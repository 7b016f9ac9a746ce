import type { Presented } from '../domain/access-request.ts'

/** Carries a browser's session id. The prefix keeps other hosts and plain HTTP from setting it. */
export const SESSION_COOKIE = '__Host-brickgate'

/** Begins the names of the cookies that hold sign-ins under way, one cookie each. */
export const SIGN_IN_COOKIE = '__Host-brickgate-signin-'
const SIGN_IN_NAME = /^__Host-brickgate-signin-[0-9a-f]{16}$/

export interface Cookie {
  readonly name: string
  readonly value: string
}

/**
 * Whatever names a cookie of ours (those of sign-ins, too), in any case and place, or holds a session id:
 * a Cookie header merged by a comma, a nameless cookie (`=__Host-brickgate=…`), another name.
 */
const OURS = /__host-brickgate|bgs_[A-Za-z0-9_-]{43}/i

/**
 * Splits a `Cookie` field (RFC 6265 section 5.4) as leniently as browsers join it.
 *
 * @param field the whole field, null when absent
 * @returns the values of every cookie of our name, and the others as they came. Nothing of ours is in those.
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
 * The value of a cookie of ours, for the responder.
 *
 * @returns null when it is absent or stands twice
 */
export function cookieOf(name: string, field: string | null): string | null {
  const pairs = (field ?? '').split(';').map((piece) => splitPair(trim(piece)))
  const [first, ...further] = pairs.filter((pair) => pair.name === name)
  return first === undefined || further.length > 0 ? null : first.value
}

/** The cookies of sign-ins under way, in the order sent: oldest first (RFC 6265 section 5.4). */
export function signInCookiesOf(field: string | null): readonly Cookie[] {
  const pairs = (field ?? '').split(';').map((piece) => splitPair(trim(piece)))
  return pairs.filter(({ name }) => SIGN_IN_NAME.test(name))
}

/**
 * A `Set-Cookie` field. Such a cookie goes to this host alone, over TLS alone, to no script, and with no
 * request of another site but a top-level GET; without a maximum age it ends with the browser.
 *
 * @param value of characters that need no quoting (RFC 6265 section 4.1.1)
 * @param maxAgeSeconds 0 removes it
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

/** Without spaces and tabs around it. A regular expression would take quadratic time on a row of them. */
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
