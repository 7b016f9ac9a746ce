import { ok, type Result, refuse } from '../domain/result.ts'
import { type JsonObject, parseStrictObject } from './strict-json.ts'

/** The parts of an unverified JWT (RFC 7515 section 7.1). */
export interface CompactToken {
  /** the whole token */
  readonly text: string
  readonly signingInput: string
  readonly algorithm: string
  readonly kid: string | null
  /** media type in lower case without `application/`; `jwt` when the header has none */
  readonly type: string
  readonly issuerUrl: string
  readonly claims: JsonObject
}

/** Characters of the longest accepted token. */
export const MAX_TOKEN_LENGTH = 32 * 1024

const COMPACT = /^([\w-]+)\.([\w-]+)\.[\w-]*$/
/** Media types of a token by purpose, in lower case and without `application/`. */
const TOKEN_TYPES = {
  access: ['jwt', 'at+jwt'],
  id: ['jwt'],
  logout: ['jwt', 'logout+jwt'],
} as const satisfies Record<string, readonly string[]>

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * @returns a refusal with `malformed-token`, or `wrong-token-type` for a `typ` that no token of
 *   this purpose has
 */
export function parseCompactToken(
  text: string,
  use: keyof typeof TOKEN_TYPES = 'access',
): Result<CompactToken> {
  if (text.length > MAX_TOKEN_LENGTH) return refuse('malformed-token')
  const [, encodedHeader = '', encodedClaims = ''] = COMPACT.exec(text) ?? []
  const header = decodeObject(encodedHeader)
  const claims = decodeObject(encodedClaims)
  if (header === null || claims === null) return refuse('malformed-token')
  const { alg, kid = null, typ = 'JWT' } = header
  const { iss } = claims
  // No extension is supported here, and a critical extension must be (RFC 7515 section 4.1.11).
  if (Object.hasOwn(header, 'crit')) return refuse('malformed-token')
  if (typeof alg !== 'string' || typeof typ !== 'string') return refuse('malformed-token')
  if (!isStringOrNull(kid)) return refuse('malformed-token')
  if (typeof iss !== 'string') return refuse('malformed-token', 'iss')
  const type = mediaType(typ)
  const types: readonly string[] = TOKEN_TYPES[use]
  if (!types.includes(type)) return refuse('wrong-token-type')
  const signingInput = text.slice(0, encodedHeader.length + 1 + encodedClaims.length)
  return ok({ text, signingInput, algorithm: alg, kid, type, issuerUrl: iss, claims })
}

/**
 * `typ` is a media type without regard to case, `application/` is optional (RFC 7515 section
 * 4.1.9).
 */
function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

function isStringOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function decodeObject(encoded: string): JsonObject | null {
  const text = decodeText(encoded)
  return text === null ? null : parseStrictObject(text)
}

function decodeText(encoded: string): string | null {
  try {
    return UTF8.decode(Buffer.from(encoded, 'base64url'))
  } catch {
    return null
  }
}
