import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import { isKeyName, type Principal } from '../domain/principal.ts'
import { TIERS, type Tier } from '../domain/tier.ts'

/** A sign-in that goes on. All of it comes from its record, which only holders of our key can write. */
export interface Session {
  /** SHA-256 (hex) of the session id; the record names it, so that a copy under another id is none */
  readonly sid: string
  /** as the token said from which the session was made; the session dies with that token's id */
  readonly principal: Principal
  /** `browser` for a sign-in by the responder's pages, `program` for one made from an access token */
  readonly kind: SessionKind
  /** where it was made */
  readonly tier: Tier
  /**
   * What not-before revocations are compared with: when the person signed in; for a session made from
   * an access token that token's `auth_time ?? iat`, so that what refuses the token refuses the session.
   */
  readonly signInSeconds: number
  /** when the record was made: from here on the session can be idle */
  readonly createdAtSeconds: number
  /** absolute: no use extends it */
  readonly expiresAtSeconds: number
  /** the IdP's access token for the workspace; null when the sign-in gave none */
  readonly accessToken: SessionToken | null
  /** renews the access token; null when the IdP gave none, and for programs */
  readonly refreshToken: string | null
  /** the `id_token_hint` of a sign-out at the IdP; null for programs */
  readonly idToken: string | null
  /** from where it was made; shown to its owner, decides nothing */
  readonly sourceIp: string
  /** by what it was made, as the client said; shown to its owner, decides nothing */
  readonly userAgent: string
  /** whether the moments of its use are sealed; false in records of versions that wrote them plain */
  readonly isUseSealed: boolean
}

/** An access token that a session holds. */
export interface SessionToken {
  readonly token: string
  readonly expiresAtSeconds: number
  /**
   * Its id, by which this token alone can be revoked. A refresh brings a new one, while the principal
   * keeps that of the first; null in records of versions that did not note it.
   */
  readonly tokenId: string | null
}

const KINDS = ['browser', 'program'] as const
export type SessionKind = (typeof KINDS)[number]

const seconds = z.number().nonnegative()
const keyName = z.string().refine(isKeyName)
const token = z.string().regex(/^[\x21-\x7e]+$/)

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

const sessionSchema: z.ZodType<Session> = z.strictObject({
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
  return JSON.stringify(sessionSchema.parse(session))
}

/**
 * How long a session may go unused. One of a program has no such limit: nobody leaves it open on a screen,
 * schedulers pause, and it ends with the token it was made from, which has no such limit either.
 */
export function idleLimitSeconds({ kind }: Session, idleTimeoutSeconds: number): number {
  return kind === 'program' ? Number.POSITIVE_INFINITY : idleTimeoutSeconds
}

/** @returns null for anything but what `encodeSession` makes, further and missing members included */
export function decodeSession(text: string): Session | null {
  const parsed = sessionSchema.safeParse(parseJson(text))
  return parsed.success ? parsed.data : null
}

/**
 * The name under which Redis, audit and operators know a session: SHA-256 (hex) of the whole opaque
 * id, so that neither a dump of Redis nor a log holds anything a client could present.
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
