/** The `error` of an RFC 6750 section 3.1 challenge, `bare` for one without, null for no challenge. */
export type ChallengeKind =
  | 'bare'
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | null

export interface ReasonRow {
  /** HTTP status of the answer */
  readonly status: 200 | 400 | 401 | 403 | 404 | 413 | 429 | 500 | 503
  readonly challenge: ChallengeKind
  /** what the client is told; lower case, and free of the words on which Databricks SDKs retry */
  readonly message: string
}

/**
 * Every outcome of a decision. Audit queries, alerts and dashboards hang on these words: a row may be
 * added, never renamed. 429 and 503 always go out with `Retry-After`; an outage is never 401.
 */
export const REASONS = {
  allowed: { status: 200, challenge: null, message: 'allowed' },

  'no-credential': { status: 401, challenge: 'bare', message: 'no credential was sent' },
  'ambiguous-credential': {
    status: 400,
    challenge: 'invalid_request',
    message: 'more than one credential was sent',
  },
  'malformed-token': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the credential is malformed',
  },
  'wrong-token-type': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token is not an access token',
  },
  'sender-constrained-token': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token is bound to a key, and tokens are accepted from bearers alone',
  },
  'unknown-issuer': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token comes from an issuer that is not trusted',
  },
  'algorithm-not-allowed': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token is signed with an algorithm that is not allowed',
  },
  'unknown-key': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token is signed with a key that its issuer does not publish',
  },
  'bad-signature': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the signature of the token does not verify',
  },
  'token-expired': { status: 401, challenge: 'invalid_token', message: 'the token has expired' },
  'token-not-yet-valid': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token is not valid yet',
  },
  'token-lifetime-too-long': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token lives longer than is allowed here',
  },
  'wrong-audience': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the token was issued for another audience',
  },
  'token-revoked': { status: 401, challenge: 'invalid_token', message: 'the token was revoked' },
  'session-unknown': {
    status: 401,
    challenge: 'invalid_token',
    message: 'there is no such session',
  },
  'session-expired': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the session has expired',
  },
  'session-revoked': {
    status: 401,
    challenge: 'invalid_token',
    message: 'the session was revoked',
  },

  'session-wrong-tier': {
    status: 403,
    challenge: null,
    message: 'the session was made on another tier',
  },
  'cross-site-request': {
    status: 403,
    challenge: null,
    message: 'a cookie is accepted only with requests from its own origin',
  },
  'credential-not-accepted': {
    status: 403,
    challenge: null,
    message: 'another kind of credential is needed here',
  },
  'no-such-session': {
    status: 404,
    challenge: null,
    message: 'the caller has no such session',
  },
  'too-many-sessions': {
    status: 429,
    challenge: null,
    message: 'the caller has too many sessions; some of them must end first',
  },
  'wrong-workspace': {
    status: 403,
    challenge: null,
    message: 'the request names another workspace or role',
  },
  'groups-unknown': {
    status: 403,
    challenge: null,
    message: 'the token does not list the groups of its subject',
  },
  'groups-unusable': {
    status: 403,
    challenge: null,
    message: 'the groups of the token cannot be used as they are',
  },
  // No decision has this reason any more; records of before do.
  'identity-too-large': {
    status: 403,
    challenge: null,
    message: 'the identity does not fit into the headers for the workspace',
  },
  'policy-forbid': {
    status: 403,
    challenge: 'insufficient_scope',
    message: 'a policy forbids this request',
  },
  'no-policy-permits': {
    status: 403,
    challenge: 'insufficient_scope',
    message: 'no policy permits this request',
  },

  'bad-request': { status: 400, challenge: null, message: 'the request is malformed' },
  'internal-error': { status: 500, challenge: null, message: 'the gateway failed' },

  'state-lost': {
    status: 503,
    challenge: null,
    message: 'revocations may have been lost; a newer sign-in is accepted',
  },
  'keys-unavailable': {
    status: 503,
    challenge: null,
    message: 'the keys of the issuer are not available',
  },
  'state-unavailable': {
    status: 503,
    challenge: null,
    message: 'the state of sessions and revocations is not available',
  },
  'egress-unavailable': {
    status: 503,
    challenge: null,
    message: 'the way to the workspace does not answer',
  },
  'state-full': {
    status: 503,
    challenge: null,
    message: 'the store of sessions is nearly full and takes no new ones',
  },
  'upstream-credential-unavailable': {
    status: 503,
    challenge: null,
    message: 'there is no credential for the workspace',
  },
} as const satisfies Record<string, ReasonRow>

export type Reason = keyof typeof REASONS
export type DenyReason = Exclude<Reason, 'allowed'>
