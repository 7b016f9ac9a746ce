/** Signature algorithms that an issuer may use, all asymmetric (RFC 7518 section 3.1, RFC 9864). */
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

/** Conventions of an identity provider for the subject, client id and scopes of a token. */
export type PresetName = (typeof PRESET_NAMES)[number]

/** Marks of ID tokens that some issuers put into access tokens, too. */
export const ADMISSIBLE_CLAIMS = ['nonce', 'at_hash'] as const

export const AUDIENCE_CLAIMS = ['aud', 'client_id'] as const
