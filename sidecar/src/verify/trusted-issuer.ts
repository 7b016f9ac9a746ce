import type {
  ADMISSIBLE_CLAIMS,
  Algorithm,
  AUDIENCE_CLAIMS,
  PresetName,
} from '../domain/issuer-options.ts'
import type { Claim } from './claim-reader.ts'

/** The claims whose place an operator may change. */
export interface ClaimNames {
  readonly groups: Claim
  /** for display; no decision uses the claim */
  readonly email: Claim
  /** the user's stable id; for Entra ID the part after `tid:` */
  readonly subject: Claim
}

/** The claim names on which an issuer's `claims` are based. */
export const DEFAULT_CLAIM_NAMES: Readonly<Record<PresetName, ClaimNames>> = {
  okta: { groups: 'groups', email: 'email', subject: 'uid' },
  entra: { groups: 'groups', email: 'email', subject: 'oid' },
  databricks: { groups: 'groups', email: 'sub', subject: 'sub' },
  generic: { groups: 'groups', email: 'email', subject: 'sub' },
}

/** An issuer whose access tokens are accepted, and the conditions. */
export interface TrustedIssuer {
  /** short name, `^[a-z0-9-]{1,32}$` */
  readonly issuerName: string
  /**
   * compared with `iss` character by character; for Entra ID it names the tenant, never `common`
   */
  readonly issuerUrl: string
  /** a token must name at least one of these */
  readonly audiences: readonly [string, ...string[]]
  readonly algorithms: readonly [Algorithm, ...Algorithm[]]
  readonly preset: PresetName
  /** a token must have all of these; empty requires none */
  readonly requiredScopes: readonly string[]
  readonly claims: ClaimNames
  /** claims of ID tokens that do not cause a refusal */
  readonly admittedClaims: readonly (typeof ADMISSIBLE_CLAIMS)[number][]
  /** the claim with the audiences; with `client_id` a token must also have `token_use: access` */
  readonly audienceClaim: (typeof AUDIENCE_CLAIMS)[number]
  /** the sign-in's client at this issuer; null without sign-in */
  readonly signInClient: string | null
}
