import type { Config } from '../config/schema.ts'
import type { Claim } from '../verify/claim-reader.ts'
import type { TokenLimits } from '../verify/claims.ts'
import { DEFAULT_CLAIM_NAMES, type TrustedIssuer } from '../verify/trusted-issuer.ts'

/** The issuers of a configuration in the form of `verify/`. */
export function trustedIssuers(config: Config): readonly TrustedIssuer[] {
  return config.issuers.map((row) => ({
    issuerName: row.name,
    issuerUrl: row.issuer,
    audiences: row.audiences,
    algorithms: row.algorithms,
    preset: row.preset,
    requiredScopes: row.required_scopes,
    claims: {
      subject: claimOf(row.claims.subject) ?? DEFAULT_CLAIM_NAMES[row.preset].subject,
      groups: claimOf(row.claims.groups) ?? DEFAULT_CLAIM_NAMES[row.preset].groups,
      email: claimOf(row.claims.email) ?? DEFAULT_CLAIM_NAMES[row.preset].email,
    },
    admittedClaims: row.admit_claims,
    audienceClaim: row.audience_claim,
    signInClient: config.sign_in?.issuer === row.name ? config.sign_in.client_id : null,
  }))
}

export function tokenLimits({ revocation, tokens }: Config): TokenLimits {
  return {
    clockSkewSeconds: revocation.clock_skew_s,
    leewaySeconds: tokens.leeway_s,
    maxTokenLifetimeSeconds: revocation.max_token_lifetime_s,
  }
}

/**
 * How long after its issue a token can be accepted at most: `iat` may be ahead by the clock skew,
 * and a token is accepted for the leeway after its end.
 */
export function longestAcceptanceSeconds({ revocation, tokens }: Config): number {
  return revocation.max_token_lifetime_s + revocation.clock_skew_s + tokens.leeway_s
}

/** A list with a single name is that name. */
function claimOf(written: Claim | undefined): Claim | undefined {
  return typeof written === 'object' && written.length === 1 ? written[0] : written
}
