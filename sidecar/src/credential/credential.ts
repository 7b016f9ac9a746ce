import type { Presented } from '../domain/access-request.ts'

/** The unverified credential of a request. */
export type Credential =
  | { readonly kind: 'bearer'; readonly token: string }
  | {
      readonly kind: 'session'
      /** `bgs_` and 43 characters of base64url */
      readonly sessionId: string
      /** a browser attaches cookies by itself, so a cookie also needs the right origin */
      readonly from: 'cookie' | 'bearer'
    }
  | { readonly kind: 'none' }
  /** several credentials: the gateway does not guess which the workspace would use */
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'malformed' }

const NONE: Credential = { kind: 'none' }
const AMBIGUOUS: Credential = { kind: 'ambiguous' }
const MALFORMED: Credential = { kind: 'malformed' }

const SESSION_PREFIX = 'bgs_'
const SESSION_ID = /^bgs_[A-Za-z0-9_-]{43}$/
const TOKEN68 = /^[A-Za-z0-9._~+/-]+=*$/
const BASIC_USER = 'token:'

/**
 * Finds the only credential of a request: a session cookie, `Bearer <token>` (RFC 6750 section
 * 2.1), or `Basic` with the user `token` and the token as password, as older JDBC drivers send it.
 *
 * INVARIANT: two credentials are ambiguous, or the workspace could use another credential than the
 * verified one. A comma counts as two, because lighttpd joins repeated fields with a comma.
 */
export function readCredential(presented: Presented): Credential {
  const { authorization, sessionCookies } = presented
  const [cookie, ...furtherCookies] = sessionCookies
  if (cookie === undefined) return authorization === null ? NONE : fromField(authorization)
  if (furtherCookies.length > 0 || authorization !== null) return AMBIGUOUS
  return SESSION_ID.test(cookie)
    ? { kind: 'session', sessionId: cookie, from: 'cookie' }
    : MALFORMED
}

function fromField(authorization: string): Credential {
  if (authorization.includes(',')) return AMBIGUOUS
  const [scheme, credentials, ...further] = authorization.split(/ +/)
  if (further.length > 0) return AMBIGUOUS
  switch (scheme?.toLowerCase()) {
    case 'bearer':
      return fromToken(credentials ?? '')
    case 'basic':
      return fromBasic(credentials ?? '')
    default:
      return MALFORMED
  }
}

function fromToken(token: string): Credential {
  if (!TOKEN68.test(token)) return MALFORMED
  if (!token.startsWith(SESSION_PREFIX)) return { kind: 'bearer', token }
  return SESSION_ID.test(token) ? { kind: 'session', sessionId: token, from: 'bearer' } : MALFORMED
}

/**
 * Node's decoder skips characters outside base64, so only text that encodes back to itself is valid
 * (RFC 4648 section 3.5).
 */
function fromBasic(encoded: string): Credential {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return MALFORMED
  const userAndPassword = bytes.toString('latin1')
  if (!userAndPassword.startsWith(BASIC_USER)) return MALFORMED
  return fromToken(userAndPassword.slice(BASIC_USER.length))
}
