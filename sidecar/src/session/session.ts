import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import { isKeyName, type Principal } from '../domain/principal.ts'
import { TIERS, type Tier } from '../domain/tier.ts'

/** A live sign-in. Every member comes from its record, which only holders of our key can write. */
export interface Session {
  /** SHA-256 (hex) of the session id; a record copied to another id is thus no session */
  readonly sid: string
  /** identity in the token that made the session; revoking that token's id ends the session */
  readonly principal: Principal
  /** `browser`: signed in by the responder's pages; `program`: made from an access token */
  readonly kind: SessionKind
  /** tier on which the session was made */
  readonly tier: Tier
  /**
   * Time of sign-in, with which not-before revocations are compared. For a session made from an
   * access token it is the token's `auth_time ?? iat`, so that a revocation of the token ends the
   * session too.
   */
  readonly signInSeconds: number
  /** time of creation, from which the session can be idle */
  readonly createdAtSeconds: number
  /** absolute end; use does not extend it */
  readonly expiresAtSeconds: number
  /** the IdP's access token for the workspace; null when the sign-in gave none */
  readonly accessToken: SessionToken | null
  /** renews the access token; null when the IdP gave none, and for programs */
  readonly refreshToken: string | null
  /** the `id_token_hint` of a sign-out at the IdP; null for programs */
  readonly idToken: string | null
  /** client address at creation; shown to its owner, and used for no decision */
  readonly sourceIp: string
  /** `User-Agent` at creation; shown to its owner, and used for no decision */
  readonly userAgent: string
  /** whether times of use are sealed; false in records of versions with plain times */
  readonly isUseSealed: boolean
}

/** An access token that a session holds. */
export interface SessionToken {
  readonly token: string
  readonly expiresAtSeconds: number
  /**
   * Token id, which revokes this token alone. A refresh brings a new id, while the principal keeps
   * the id of the first token. Null in records of versions without it.
   */
  readonly tokenId: string | null
}

const KINDS = ['browser', 'program'] as const
export type SessionKind = (typeof KINDS)[number]

const seconds = z.number().nonnegative()
const keyName = z.string().refine(isKeyName)
const token = z.string().regex(/^[\x21-\x7e]+$/)

/** In a record, the member `issuer` of the principal is the issuer's name. */
const principalSchema = z.strictObject({
  issuer: z.string().regex(/^[a-z0-9-]{1,32}$/),
  subject: keyName,
  email: z.string().nullable(),
  groups: z.array(z.string()),
  clientId: keyName.nullable(),
  tokenId: keyName,
  idpSession: keyName.nullable(),
  authTimeSeconds: seconds.nullable(),
  issuedAtSeconds: seconds,
  notBeforeSeconds: seconds.nullable(),
  expiresAtSeconds: seconds,
})

const recordSchema = z.strictObject({
  sid: z.string().refine(isSid),
  principal: principalSchema,
  kind: z.enum(KINDS),
  tier: z.enum(TIERS),
  signInSeconds: seconds,
  createdAtSeconds: seconds,
  expiresAtSeconds: seconds,
  accessToken: z
    .strictObject({
      token,
      expiresAtSeconds: seconds,
      tokenId: keyName.nullable().default(null),
    })
    .nullable(),
  refreshToken: token.nullable(),
  idToken: token.nullable(),
  sourceIp: z.string(),
  userAgent: z.string(),
  isUseSealed: z.boolean().default(false),
})

/**
 * @returns the plain text of a record, still to be encrypted
 * @throws {z.ZodError} for a session that could not be read again
 */
export function encodeSession(session: Session): string {
  const { issuerName, ...principal } = session.principal
  const record = { ...session, principal: { issuer: issuerName, ...principal } }
  return JSON.stringify(recordSchema.parse(record))
}

/**
 * The longest time without use. A program's session has no limit: schedulers pause, and the session
 * ends with its token, which has no such limit either.
 */
export function idleLimitSeconds({ kind }: Session, idleTimeoutSeconds: number): number {
  return kind === 'program' ? Number.POSITIVE_INFINITY : idleTimeoutSeconds
}

/** @returns null for a text that `encodeSession` does not make, or with further members */
export function decodeSession(text: string): Session | null {
  const parsed = recordSchema.safeParse(parseJson(text))
  if (!parsed.success) return null
  const { issuer, ...principal } = parsed.data.principal
  return { ...parsed.data, principal: { issuerName: issuer, ...principal } }
}

/**
 * Returns the name of a session in Redis, audit and commands: SHA-256 (hex) of the whole session
 * id, so that neither a dump of Redis nor a log contains an id that a client could use.
 */
export function sidOf(sessionId: string): string {
  return hash('sha256', sessionId, 'hex')
}

/** Whether a text has the form of a sid; no record is looked for under another. */
export function isSid(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/**
 * @param random 32 bytes from a cryptographic source
 * @returns `bgs_` and 43 characters of base64url
 */
export function sessionIdFrom(random: Uint8Array): string {
  return `bgs_${Buffer.from(random).toString('base64url')}`
}
