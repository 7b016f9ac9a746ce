import type { Claim } from './claim-reader.ts'

/** Signature algorithms an issuer may be trusted with: all asymmetric (RFC 7518 section 3.1, RFC 9864). */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

export type Algorithm = (typeof ALGORITHMS)[number]

export const PRESET_NAMES = ['okta', 'entra', 'databricks', 'generic'] as const

/** Whose conventions tell where the subject, client id and scopes of a token are. */
export type PresetName = (typeof PRESET_NAMES)[number]

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

/** Marks of ID tokens that some issuers put into access tokens, too. */
export const ADMISSIBLE_CLAIMS = ['nonce', 'at_hash'] as const

export const AUDIENCE_CLAIMS = ['aud', 'client_id'] as const

/** One issuer whose access tokens are accepted, and on which terms. */
export interface TrustedIssuer {
  /** short name, `^[a-z0-9-]{1,32}$` */
  readonly alias: string
  /** compared with `iss` character by character; for Entra ID it names the tenant, never `common` */
  readonly issuer: string
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
