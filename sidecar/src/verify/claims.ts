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
  /** how far `iat` may lie ahead of our clock: revocations grant the same, so that it outruns none */
  readonly clockSkewSeconds: number
  /** how long after `exp`, and before `nbf`, a token is accepted */
  readonly leewaySeconds: number
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

/** What no access token for a bearer is, whomever it speaks for. */
function refusalOfKind(
  read: ClaimReader,
  { claims }: CompactToken,
  { admittedClaims }: TrustedIssuer,
): Refusal | null {
  const foreign = NOT_IN_ACCESS_TOKENS.find(
    (claim) => read.has(claim) && !admittedClaims.some((own) => own === claim),
  )
  if (foreign !== undefined) return refuse('wrong-token-type', foreign)
  // RFC 7800, RFC 8705, RFC 9449: whoever presents such a token must prove that a key is theirs.
  const confirmation = claimAt(claims, 'cnf') ?? null
  return confirmation === null ? null : refuse('sender-constrained-token', 'cnf')
}

function refusalOfAudience(read: ClaimReader, issuer: TrustedIssuer): Refusal | null {
  const isOurs = (names: readonly string[]): boolean =>
    issuer.audiences.some((own) => names.includes(own))
  const isInAud = isOurs(read.oneOrMore('aud'))
  if (issuer.audienceClaim === 'aud') return isInAud ? null : refuse('wrong-audience', 'aud')
  // Amazon Cognito: an ID token has the client in `aud`, and `token_use` alone tells it apart.
  if (read.text('token_use') !== 'access') return refuse('wrong-token-type', 'token_use')
  if (read.has('aud') && !isInAud) return refuse('wrong-audience', 'aud')
  const client = read.text('client_id')
  return isOurs(client === null ? [] : [client]) ? null : refuse('wrong-audience', 'client_id')
}

/**
 * Whether a token that reads as an access token might be an ID token of the sign-in's client.
 *
 * INVARIANT: no ID token of the sign-in is accepted from a caller, whatever claims its issuer is
 * admitted: only a token's own type, or claims that no ID token has, prove that it is none.
 */
export function couldBeIdToken({ type, claims }: CompactToken, issuer: TrustedIssuer): boolean {
  const { signInClient, preset, audienceClaim } = issuer
  const isProven = type === 'at+jwt' || preset !== 'generic' || audienceClaim === 'client_id'
  if (signInClient === null || isProven) return false
  return createClaimReader(claims).oneOrMore('aud').includes(signInClient)
}

/**
 * Why a principal is not valid at this moment, null when it is.
 *
 * INVARIANT: every way to a principal ends here, also that from the cache. A clock that is not a
 * number refuses. `iat` has no leeway beyond what revocations grant, so that each token that was
 * accepted before a revocation is refused after it.
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

/** @returns refuses when one of those that must be there is missing; what is malformed the reader tells */
export function readTimes(read: ClaimReader): Result<Times> {
  const expiresAtSeconds = read.seconds('exp')
  const issuedAtSeconds = read.seconds('iat')
  const notBeforeSeconds = read.seconds('nbf')
  const authTimeSeconds = read.seconds('auth_time')
  if (expiresAtSeconds === null) return refuse('malformed-token', 'exp')
  if (issuedAtSeconds === null) return refuse('malformed-token', 'iat')
  return ok({ authTimeSeconds, issuedAtSeconds, notBeforeSeconds, expiresAtSeconds })
}

/** What no moment could make valid. */
export function refusalOfTimes(times: Times, limits: TokenLimits): Refusal | null {
  const { authTimeSeconds, issuedAtSeconds, expiresAtSeconds } = times
  // Revocations compare auth_time: a sign-in after the token's own issue would outrun them.
  if ((authTimeSeconds ?? 0) > issuedAtSeconds + limits.clockSkewSeconds) {
    return refuse('malformed-token', 'auth_time')
  }
  const lifetime = expiresAtSeconds - issuedAtSeconds
  return lifetime > limits.maxTokenLifetimeSeconds ? refuse('token-lifetime-too-long', 'exp') : null
}

type Facts = Pick<Principal, 'email' | 'tokenId' | 'idpSession'>

/** What the presets do not differ in. */
export function readFacts(read: ClaimReader, token: CompactToken, issuer: TrustedIssuer): Facts {
  const id = read.name('jti') ?? (issuer.preset === 'entra' ? read.name('uti') : null)
  return {
    email: readEmail(token.claims, issuer.claims.email),
    // INVARIANT: of the signing input, because several spellings of one signature verify.
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

/** What is no address, or is one that the issuer calls unverified, is not shown; it never refuses. */
function readEmail(claims: JsonObject, claim: Claim): string | null {
  const value = claimAt(claims, claim)
  if (typeof value !== 'string' || value.length > MAX_EMAIL_LENGTH) return null
  return EMAIL.test(value) && claims['email_verified'] !== false ? value : null
}

/** Whether a claim is to be fetched elsewhere (OpenID Connect Core section 5.6.2, Entra ID's overage). */
export function isDistributed(claims: JsonObject, claim: Claim): boolean {
  if (!Object.hasOwn(claims, '_claim_names')) return false
  const names = claims['_claim_names']
  const [member] = typeof claim === 'string' ? [claim] : claim
  return !isObject(names) || Object.hasOwn(names, member)
}
