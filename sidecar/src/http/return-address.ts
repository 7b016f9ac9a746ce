import { OWN_PREFIX, ROUTES } from './routes.ts'
/**
 * The longest address that is kept during a sign-in. Links of the workspace's own pages carry whole
 * queries.
 */
export const MAX_RETURN_ADDRESS = 6000
/**
 * path-absolute (RFC 3986 section 4.2), printable, without the backslash that browsers read as a
 * slash
 */
const PATH_ABSOLUTE = /^\/(?!\/)[\x21-\x22\x24-\x5b\x5d-\x7e]*$/
/** escapes that another decoding would turn into a slash, a backslash, whitespace or a line end */
const DECEPTIVE = /%(?:[01][0-9a-f]|2f|5c|7f|25)/i

/**
 * Whether a browser may be sent there after its sign-in: a path with its query, on the sign-in's
 * own origin, and no route of the gateway except the page of sessions. Otherwise returning could
 * sign the person out, or in again.
 *
 * @param address of the sign-in request, decoded once
 */
export function isReturnAddress(address: string): boolean {
  if (address.length > MAX_RETURN_ADDRESS || !PATH_ABSOLUTE.test(address)) return false
  const url = URL.parse(address, 'https://origin.invalid')
  // INVARIANT: a browser reads the address as it is judged here: no dot segments to resolve,
  // nothing to strip. Otherwise it could end on another site.
  if (url === null || url.href !== `https://origin.invalid${address}`) return false
  if (DECEPTIVE.test(url.pathname)) return false
  return url.pathname === ROUTES.home || !isOwn(url.pathname)
}

/**
 * The addresses to return to, nearest first: the address itself, the same page without its query
 * where the whole is too long, and the page of sessions.
 *
 * @param address null for none
 */
export function returnAddresses(address: string | null): readonly string[] {
  const wanted = address === null ? [] : [address, address.replace(/\?.*/s, '')]
  return [...wanted.filter(isReturnAddress), ROUTES.home]
}

function isOwn(path: string): boolean {
  return path.toLowerCase().replaceAll('%5f', '_').startsWith(OWN_PREFIX)
}
