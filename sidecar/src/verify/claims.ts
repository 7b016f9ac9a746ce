import { hash } from 'node:crypto'
import { isKeyName, type Principal } from '../domain/principal.ts'
import { ok, type Refusal, type Result, refuse } from '../domain/result.ts'
import {
  type Claim,
  type ClaimReader,
  claimAt,
  claimLabel,
  createClaimReader,
  groupsAt,
} from './claim-reader.ts'
import type { CompactToken } from './compact-token.ts'
import { PRESETS, SCOPE_CLAIMS } from './presets.ts'
import { isObject, type JsonObject } from './strict-json.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

export interface TokenLimits {
  /**
   * how far `iat` may be ahead of this clock; revocations allow the same, so no token escapes them
   */
  readonly clockSkewSeconds: number
  /** how long after `exp`, and before `nbf`, a token is accepted */
  readonly leewaySeconds: number
  /** longest accepted `exp - iat`: the time for which a revocation is kept */
  readonly maxTokenLifetimeSeconds: number
}

/** Back-channel logout and security event tokens have the first claim, ID tokens the others. */
const NOT_IN_ACCESS_TOKENS = ['events', 'nonce', 'at_hash', 'c_hash'] as const

const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/
const MAX_EMAIL_LENGTH = 254

/**
 * Turns the claims of a token with a verified signature into a principal. `refusalAt` checks the
 * time at each use.
 */
export function readPrincipal(
  token: CompactToken,
  issuer: TrustedIssuer,
  limits: TokenLimits,
): Result<Principal> {
  const read = createClaimReader(token.claims)
  const kind = refusalOfKind(read, token, issuer)
  if (kind !== null) return kind
  const audience = refusalOfAudience(read, issuer)
  const times = readTimes(read)
  const identity = PRESETS[issuer.preset](read, issuer)
  const facts = readFacts(read, token, issuer)
  const malformed = read.malformedClaim()
  if (malformed !== null) return refuse('malformed-token', claimLabel(malformed))
  if (!times.ok) return times
  if (audience !== null) return audience
  if (!identity.ok) return identity
  const { subject, clientId, scopes } = identity.value
  if (!issuer.requiredScopes.every((scope) => scopes.includes(scope))) {
    return refuse('wrong-token-type', SCOPE_CLAIMS[issuer.preset])
  }
  if (!isKeyName(subject)) return refuse('malformed-token', claimLabel(issuer.claims.subject))
  const groups = readGroups(token.claims, issuer)
  if (!groups.ok) return groups
  const refusal = refusalOfTimes(times.value, limits)
  if (refusal !== null) return refusal
  const known = { issuerName: issuer.issuerName, subject, clientId, groups: groups.value }
  return ok({ ...known, ...facts, ...times.value })
}

/** Rejects kinds of tokens that are never access tokens for a bearer. */
function refusalOfKind(
  read: ClaimReader,
  { claims }: CompactToken,
  { admittedClaims }: TrustedIssuer,
): Refusal | null {
  const foreign = NOT_IN_ACCESS_TOKENS.find(
    (claim) => read.has(claim) && !admittedClaims.some((own) => own === claim),
  )
  if (foreign !== undefined) return refuse('wrong-token-type', foreign)
  // RFC 7800, RFC 8705, RFC 9449: the presenter of such a token must prove possession of a key.
  const confirmation = claimAt(claims, 'cnf') ?? null
  return confirmation === null ? null : refuse('sender-constrained-token', 'cnf')
}

function refusalOfAudience(read: ClaimReader, issuer: TrustedIssuer): Refusal | null {
  const isOurs = (names: readonly string[]): boolean =>
    issuer.audiences.some((own) => names.includes(own))
  const isInAud = isOurs(read.oneOrMore('aud'))
  if (issuer.audienceClaim === 'aud') return isInAud ? null : refuse('wrong-audience', 'aud')
  // Amazon Cognito: an ID token has the client in `aud`, and only `token_use` distinguishes it.
  if (read.text('token_use') !== 'access') return refuse('wrong-token-type', 'token_use')
  if (read.has('aud') && !isInAud) return refuse('wrong-audience', 'aud')
  const client = read.text('client_id')
  return isOurs(client === null ? [] : [client]) ? null : refuse('wrong-audience', 'client_id')
}

/**
 * Whether a token that reads as an access token might be an ID token of the sign-in's client.
 *
 * INVARIANT: no ID token of the sign-in is accepted from a caller, whatever claims its issuer is
 * admitted; it would let a leaked ID token in. Only the token's own type, or claims that no ID
 * token has, prove that a token is no ID token.
 */
export function couldBeIdToken({ type, claims }: CompactToken, issuer: TrustedIssuer): boolean {
  const { signInClient, preset, audienceClaim } = issuer
  const isProven = type === 'at+jwt' || preset !== 'generic' || audienceClaim === 'client_id'
  if (signInClient === null || isProven) return false
  return createClaimReader(claims).oneOrMore('aud').includes(signInClient)
}

/**
 * Why a principal is not valid at this time, or null.
 *
 * INVARIANT: every path to a principal ends here, including the cache; otherwise an expired token
 * would count. A clock that is not a number refuses. `iat` has no more leeway than revocations
 * allow, so each token that was accepted before a revocation is refused after it.
 */
export function refusalAt(
  principal: Principal,
  nowSeconds: number,
  limits: TokenLimits,
): Refusal | null {
  const { expiresAtSeconds, issuedAtSeconds, notBeforeSeconds } = principal
  const { clockSkewSeconds, leewaySeconds } = limits
  if (!(nowSeconds < expiresAtSeconds + leewaySeconds)) return refuse('token-expired', 'exp')
  if (!(issuedAtSeconds <= nowSeconds + clockSkewSeconds)) {
    return refuse('token-not-yet-valid', 'iat')
  }
  const isStarted = (notBeforeSeconds ?? 0) <= nowSeconds + leewaySeconds
  return isStarted ? null : refuse('token-not-yet-valid', 'nbf')
}

type Times = Pick<
  Principal,
  'authTimeSeconds' | 'issuedAtSeconds' | 'notBeforeSeconds' | 'expiresAtSeconds'
>

/** @returns a refusal when a required time is missing; the reader reports malformed times */
export function readTimes(read: ClaimReader): Result<Times> {
  const expiresAtSeconds = read.seconds('exp')
  const issuedAtSeconds = read.seconds('iat')
  const notBeforeSeconds = read.seconds('nbf')
  const authTimeSeconds = read.seconds('auth_time')
  if (expiresAtSeconds === null) return refuse('malformed-token', 'exp')
  if (issuedAtSeconds === null) return refuse('malformed-token', 'iat')
  return ok({ authTimeSeconds, issuedAtSeconds, notBeforeSeconds, expiresAtSeconds })
}

/** Rejects times that are valid at no moment. */
export function refusalOfTimes(times: Times, limits: TokenLimits): Refusal | null {
  const { authTimeSeconds, issuedAtSeconds, expiresAtSeconds } = times
  // Revocations compare auth_time: a sign-in after the token's own issue would escape them.
  if ((authTimeSeconds ?? 0) > issuedAtSeconds + limits.clockSkewSeconds) {
    return refuse('malformed-token', 'auth_time')
  }
  const lifetime = expiresAtSeconds - issuedAtSeconds
  return lifetime > limits.maxTokenLifetimeSeconds ? refuse('token-lifetime-too-long', 'exp') : null
}

type Facts = Pick<Principal, 'email' | 'tokenId' | 'idpSession'>

/** Reads the claims in which presets do not differ. */
export function readFacts(read: ClaimReader, token: CompactToken, issuer: TrustedIssuer): Facts {
  const id = read.name('jti') ?? (issuer.preset === 'entra' ? read.name('uti') : null)
  return {
    email: readEmail(token.claims, issuer.claims.email),
    // INVARIANT: hash of the signing input, because several spellings of a signature verify;
    // otherwise a respelled token would escape its revocation.
    tokenId: id ?? `sha256:${hash('sha256', token.signingInput, 'hex')}`,
    idpSession: read.name('sid'),
  }
}

function readGroups(
  claims: JsonObject,
  { claims: { groups } }: TrustedIssuer,
): Result<readonly string[]> {
  if (isDistributed(claims, groups)) return refuse('groups-unknown', claimLabel(groups))
  return groupsAt(claims, groups)
}

/**
 * A text that is no address, or an address that the issuer calls unverified, is left out; it never
 * causes a refusal.
 */
function readEmail(claims: JsonObject, claim: Claim): string | null {
  const value = claimAt(claims, claim)
  if (typeof value !== 'string' || value.length > MAX_EMAIL_LENGTH) return null
  return EMAIL.test(value) && claims['email_verified'] !== false ? value : null
}

/**
 * Whether a claim must be fetched elsewhere (OpenID Connect Core section 5.6.2, Entra ID's
 * overage).
 */
export function isDistributed(claims: JsonObject, claim: Claim): boolean {
  if (!Object.hasOwn(claims, '_claim_names')) return false
  const names = claims['_claim_names']
  const [member] = typeof claim === 'string' ? [claim] : claim
  return !isObject(names) || Object.hasOwn(names, member)
}
