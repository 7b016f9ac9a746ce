import type {
  ADMISSIBLE_CLAIMS,
  Algorithm,
  AUDIENCE_CLAIMS,
  PresetName,
} from '../domain/issuer-options.ts'
import type { Claim } from './claim-reader.ts'

/** The claims that an operator may look for elsewhere. */
export interface ClaimNames {
  readonly groups: Claim
  /** display only: the claim never decides anything */
  readonly email: Claim
  /** the user's stable id; for Entra ID the part after `tid:` */
  readonly subject: Claim
}

/** What `claims` of an issuer starts from. */
export const DEFAULT_CLAIM_NAMES: Readonly<Record<PresetName, ClaimNames>> = {
  okta: { groups: 'groups', email: 'email', subject: 'uid' },
  entra: { groups: 'groups', email: 'email', subject: 'oid' },
  databricks: { groups: 'groups', email: 'sub', subject: 'sub' },
  generic: { groups: 'groups', email: 'email', subject: 'sub' },
}

/** One issuer whose access tokens are accepted, and on which terms. */
export interface TrustedIssuer {
  /** short name, `^[a-z0-9-]{1,32}$` */
  readonly issuerName: string
  /** compared with `iss` character by character; for Entra ID it names the tenant, never `common` */
  readonly issuerUrl: string
  /** a token must name at least one of them */
  readonly audiences: readonly [string, ...string[]]
  readonly algorithms: readonly [Algorithm, ...Algorithm[]]
  readonly preset: PresetName
  /** a token must have them all; empty asks for none */
  readonly requiredScopes: readonly string[]
  readonly claims: ClaimNames
  /** marks of ID tokens that do not refuse */
  readonly admittedClaims: readonly (typeof ADMISSIBLE_CLAIMS)[number][]
  /** where audiences are looked for; with `client_id` a token must also have `token_use: access` */
  readonly audienceClaim: (typeof AUDIENCE_CLAIMS)[number]
  /** the client by which people sign in at this issuer; null where nobody does */
  readonly signInClient: string | null
}
