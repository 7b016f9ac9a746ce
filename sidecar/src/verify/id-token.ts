import { keyName, type Principal } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { type ClaimReader, createClaimReader } from './claim-reader.ts'
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

/** Whose ID tokens are taken, and how they are judged. */
export interface RelyingParty {
  readonly issuer: TrustedIssuer
  readonly clientId: string
  readonly limits: TokenLimits
}

/** Who signed in. */
export interface Identification {
  readonly principal: Principal
  /** whether the token says which groups; `elsewhere`: there are some, and they are to be fetched */
  readonly groups: 'listed' | 'absent' | 'elsewhere'
}

/**
 * The nonce of the sign-in. A token that a refresh brought may leave it out, and may not have another
 * (OpenID Connect Core 1.0 section 12.2).
 */
export interface ExpectedNonce {
  readonly nonce: string
  readonly isRequired: boolean
}

/** Reads an ID token whose issuer and signature were verified (OpenID Connect Core 1.0 section 3.1.3.7). */
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
  const listed = read.has(issuer.claims.groups) ? 'listed' : 'absent'
  if (read.isMalformed() || times === null || subject === null) return refuse('malformed-token')
  if (read.has('events')) return refuse('wrong-token-type')
  if (!isForUs) return refuse('wrong-audience')
  const isOfSignIn = nonce === null ? !expected.isRequired : nonce === expected.nonce
  if (!isOfSignIn) return refuse('malformed-token')
  const principal = {
    issuer: issuer.alias,
    subject,
    clientId: keyName(clientId),
    ...facts,
    ...times,
  }
  const refusal = refusalOfTimes(times, limits) ?? refusalAt(principal, nowSeconds, limits)
  const groups = isElsewhere || read.has('hasgroups') ? 'elsewhere' : listed
  return refusal === null ? ok({ principal, groups }) : refuse(refusal)
}

/** Of several audiences, the authorized party must be ours, and so must one that is named anyway. */
function isForParty(read: ClaimReader, clientId: string): boolean {
  const audiences = read.oneOrMore('aud')
  const party = read.text('azp')
  const isAuthorized = party === null ? audiences.length === 1 : party === clientId
  return audiences.includes(clientId) && isAuthorized
}
