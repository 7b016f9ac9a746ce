import { hash } from 'node:crypto'
import { isKeyName, type Principal } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { type ClaimReader, createClaimReader } from './claim-reader.ts'
import type { CompactToken } from './compact-token.ts'
import { PRESETS } from './presets.ts'
import { isObject, type JsonObject } from './strict-json.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

export interface TokenLimits {
  /** how far `iat` and `nbf` may lie ahead of our clock; `exp` has no tolerance */
  readonly clockSkewSeconds: number
  /** longest `exp - iat` accepted: as long as a revocation is kept */
  readonly maxTokenLifetimeSeconds: number
}

/** Back-channel logout and security event tokens carry the first, ID tokens the others. */
const NOT_IN_ACCESS_TOKENS = ['events', 'nonce', 'at_hash', 'c_hash'] as const

const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/
const MAX_EMAIL_LENGTH = 254

/**
 * Turns the claims of a token whose signature was verified into a principal. Whether it is valid now
 * is not asked here but at each use, by `refusalAt`.
 */
export function readPrincipal(
  token: CompactToken,
  issuer: TrustedIssuer,
  limits: TokenLimits,
): Result<Principal> {
  const read = createClaimReader(token.claims)
  if (NOT_IN_ACCESS_TOKENS.some((claim) => read.has(claim))) return refuse('wrong-token-type')
  const audiences = read.oneOrMore('aud')
  const times = readTimes(read)
  const identity = PRESETS[issuer.preset](read, issuer)
  const facts = readFacts(read, token, issuer)
  const hasGroupsElsewhere = isDistributed(token.claims, issuer.claims.groups)
  if (read.isMalformed() || times === null) return refuse('malformed-token')
  if (!issuer.audiences.some((own) => audiences.includes(own))) return refuse('wrong-audience')
  if (!identity.ok) return identity
  const { subject, clientId, scopes } = identity.value
  if (!issuer.requiredScopes.every((scope) => scopes.includes(scope))) {
    return refuse('wrong-token-type')
  }
  if (!isKeyName(subject)) return refuse('malformed-token')
  if (hasGroupsElsewhere) return refuse('groups-unknown')
  const refusal = refusalOfTimes(times, limits)
  if (refusal !== null) return refuse(refusal)
  return ok({ issuer: issuer.alias, subject, clientId, ...facts, ...times })
}

/**
 * Why a principal is not valid at this moment, null when it is.
 *
 * INVARIANT: every way to a principal ends here, also that from the cache. A clock that is not a
 * number refuses.
 */
export function refusalAt(
  principal: Principal,
  nowSeconds: number,
  limits: TokenLimits,
): DenyReason | null {
  if (!(nowSeconds < principal.expiresAtSeconds)) return 'token-expired'
  const startsAt = Math.max(principal.issuedAtSeconds, principal.notBeforeSeconds ?? 0)
  return startsAt <= nowSeconds + limits.clockSkewSeconds ? null : 'token-not-yet-valid'
}

type Times = Pick<
  Principal,
  'authTimeSeconds' | 'issuedAtSeconds' | 'notBeforeSeconds' | 'expiresAtSeconds'
>

/** @returns null when one of those that must be there is missing; what is malformed the reader tells */
export function readTimes(read: ClaimReader): Times | null {
  const expiresAtSeconds = read.seconds('exp')
  const issuedAtSeconds = read.seconds('iat')
  if (expiresAtSeconds === null || issuedAtSeconds === null) return null
  const notBeforeSeconds = read.seconds('nbf')
  const authTimeSeconds = read.seconds('auth_time')
  return { authTimeSeconds, issuedAtSeconds, notBeforeSeconds, expiresAtSeconds }
}

/** What no moment could make valid. */
export function refusalOfTimes(times: Times, limits: TokenLimits): DenyReason | null {
  const { authTimeSeconds, issuedAtSeconds, expiresAtSeconds } = times
  // Revocations compare auth_time: a sign-in after the token's own issue would outrun them.
  if ((authTimeSeconds ?? 0) > issuedAtSeconds + limits.clockSkewSeconds) return 'malformed-token'
  const lifetime = expiresAtSeconds - issuedAtSeconds
  return lifetime > limits.maxTokenLifetimeSeconds ? 'token-lifetime-too-long' : null
}

type Facts = Pick<Principal, 'email' | 'groups' | 'tokenId' | 'idpSession'>

/** What the presets do not differ in. */
export function readFacts(read: ClaimReader, token: CompactToken, issuer: TrustedIssuer): Facts {
  const id = read.name('jti') ?? (issuer.preset === 'entra' ? read.name('uti') : null)
  return {
    email: readEmail(token.claims, issuer.claims.email),
    groups: read.list(issuer.claims.groups),
    // INVARIANT: of the signing input, because several spellings of one signature verify.
    tokenId: id ?? `sha256:${hash('sha256', token.signingInput, 'hex')}`,
    idpSession: read.name('sid'),
  }
}

/** What is no address, or is one that the issuer calls unverified, is not shown; it never refuses. */
function readEmail(claims: JsonObject, claim: string): string | null {
  const value = claims[claim]
  if (typeof value !== 'string' || value.length > MAX_EMAIL_LENGTH) return null
  return EMAIL.test(value) && claims['email_verified'] !== false ? value : null
}

/** Whether a claim is to be fetched elsewhere (OpenID Connect Core section 5.6.2, Entra ID's overage). */
export function isDistributed(claims: JsonObject, claim: string): boolean {
  if (!Object.hasOwn(claims, '_claim_names')) return false
  const names = claims['_claim_names']
  return !isObject(names) || Object.hasOwn(names, claim)
}
