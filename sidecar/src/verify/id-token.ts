import { keyName, type Principal } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import {
  type ClaimReader,
  claimAt,
  claimLabel,
  createClaimReader,
  groupsAt,
} from './claim-reader.ts'
import {
  isDistributed,
  readFacts,
  readTimes,
  refusalAt,
  refusalOfTimes,
  type TokenLimits,
} from './claims.ts'
import type { CompactToken } from './compact-token.ts'
import { personOf } from './presets.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** The issuer and client of accepted ID tokens, and the limits for their check. */
export interface RelyingParty {
  readonly issuer: TrustedIssuer
  readonly clientId: string
  readonly limits: TokenLimits
}

/** The person who signed in. */
export interface Identification {
  readonly principal: Principal
  /** whether the token lists groups; `elsewhere`: there are groups, to be fetched elsewhere */
  readonly groups: 'listed' | 'absent' | 'elsewhere'
}

/**
 * The nonce of the sign-in. A token from a refresh may omit it, and may not have another (OpenID
 * Connect Core 1.0 section 12.2).
 */
export interface ExpectedNonce {
  readonly nonce: string
  readonly isRequired: boolean
}

/**
 * Reads an ID token with a verified issuer and signature (OpenID Connect Core 1.0 section 3.1.3.7).
 */
export function readIdToken(
  token: CompactToken,
  party: RelyingParty,
  expected: ExpectedNonce,
  nowSeconds: number,
): Result<Identification> {
  const { issuer, clientId, limits } = party
  const read = createClaimReader(token.claims)
  const isForUs = isForParty(read, clientId)
  const nonce = read.text('nonce')
  const times = readTimes(read)
  const subject = personOf(read, issuer)
  const isElsewhere = isDistributed(token.claims, issuer.claims.groups)
  const facts = readFacts(read, token, issuer)
  const listed =
    (claimAt(token.claims, issuer.claims.groups) ?? null) === null ? 'absent' : 'listed'
  const groups = groupsAt(token.claims, issuer.claims.groups)
  const malformed = read.malformedClaim()
  if (malformed !== null) return refuse('malformed-token', claimLabel(malformed))
  if (!times.ok) return times
  if (subject === null) return refuse('malformed-token', claimLabel(issuer.claims.subject))
  if (read.has('events')) return refuse('wrong-token-type', 'events')
  if (!isForUs) return refuse('wrong-audience', 'aud')
  const isOfSignIn = nonce === null ? !expected.isRequired : nonce === expected.nonce
  if (!isOfSignIn) return refuse('malformed-token', 'nonce')
  if (!groups.ok) return groups
  const known = {
    issuerName: issuer.issuerName,
    subject,
    clientId: keyName(clientId),
    groups: groups.value,
  }
  const principal = { ...known, ...facts, ...times.value }
  const refusal = refusalOfTimes(times.value, limits) ?? refusalAt(principal, nowSeconds, limits)
  if (refusal !== null) return refusal
  return ok({ principal, groups: isElsewhere || read.has('hasgroups') ? 'elsewhere' : listed })
}

/**
 * With several audiences the authorized party must be this client, and so must an authorized party
 * that is present anyway.
 */
function isForParty(read: ClaimReader, clientId: string): boolean {
  const audiences = read.oneOrMore('aud')
  const party = read.text('azp')
  const isAuthorized = party === null ? audiences.length === 1 : party === clientId
  return audiences.includes(clientId) && isAuthorized
}
