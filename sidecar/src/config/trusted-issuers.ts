import { DEFAULT_CLAIM_NAMES, type TrustedIssuer } from '../verify/trusted-issuer.ts'
import type { Config } from './schema.ts'

/** The issuers of a configuration as `verify/` wants them. */
export function trustedIssuers(config: Config): readonly TrustedIssuer[] {
  return config.issuers.map((row) => ({
    alias: row.name,
    issuer: row.issuer,
    audiences: row.audiences,
    algorithms: row.algorithms,
    preset: row.preset,
    requiredScopes: row.required_scopes,
    claims: {
      subject: row.claims.subject ?? DEFAULT_CLAIM_NAMES[row.preset].subject,
      groups: row.claims.groups ?? DEFAULT_CLAIM_NAMES[row.preset].groups,
      email: row.claims.email ?? DEFAULT_CLAIM_NAMES[row.preset].email,
    },
  }))
}
