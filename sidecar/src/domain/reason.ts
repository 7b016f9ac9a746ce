import { ERROR_ANSWERS, type ErrorAnswer, type ErrorStatus } from './error-answer.ts'

/**
 * The `error` of an RFC 6750 section 3.1 challenge; `bare` for a challenge without error, null for
 * no challenge.
 */
export type ChallengeKind =
  | 'bare'
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | null

export interface ReasonRow extends ErrorAnswer {
  /** HTTP status of the answer */
  readonly status: ErrorStatus | 200
  readonly challenge: ChallengeKind
  /** goes to the client; lower case, and free of the words on which Databricks SDKs retry */
  readonly message: string
}

/**
 * Every result of a decision. Audit queries, alerts and dashboards use these words: rows may be
 * added, never renamed. Answers with 429 and 503 have `Retry-After`. An outage is never 401.
 */
export const REASONS = {
  allowed: {
    status: 200,
    challenge: null,
    errorCode: '',
    retryAfterSeconds: null,
    message: 'allowed',
  },

  'no-credential': denial(401, 'no credential was sent', 'bare'),
  'ambiguous-credential': denial(400, 'more than one credential was sent', 'invalid_request'),
  'malformed-token': invalidToken('the credential is malformed'),
  'wrong-token-type': invalidToken('the token is not an access token'),
  'sender-constrained-token': invalidToken(
    'the token is bound to a key, and tokens are accepted from bearers alone',
  ),
  'unknown-issuer': invalidToken('the token comes from an issuer that is not trusted'),
  'algorithm-not-allowed': invalidToken(
    'the token is signed with an algorithm that is not allowed',
  ),
  'unknown-key': invalidToken('the token is signed with a key that its issuer does not publish'),
  'bad-signature': invalidToken('the signature of the token does not verify'),
  'token-expired': invalidToken('the token has expired'),
  'token-not-yet-valid': invalidToken('the token is not valid yet'),
  'token-lifetime-too-long': invalidToken('the token lives longer than is allowed here'),
  'wrong-audience': invalidToken('the token was issued for another audience'),
  'token-revoked': invalidToken('the token was revoked'),
  'session-unknown': invalidToken('there is no such session'),
  'session-expired': invalidToken('the session has expired'),
  'session-revoked': invalidToken('the session was revoked'),
  'session-wrong-tier': denial(403, 'the session was made on another tier'),
  'cross-site-request': denial(403, 'a cookie is accepted only with requests from its own origin'),
  'credential-not-accepted': denial(403, 'another kind of credential is needed here'),
  'no-such-session': denial(404, 'the caller has no such session'),
  'too-many-sessions': denial(429, 'the caller has too many sessions; some of them must end first'),
  'wrong-workspace': denial(403, 'the request names another workspace or role'),
  'groups-unknown': denial(403, 'the token does not list the groups of its subject'),
  'groups-unusable': denial(403, 'the groups of the token cannot be used as they are'),
  // No decision returns this reason any more; older audit records contain it.
  'identity-too-large': denial(403, 'the identity does not fit into the headers for the workspace'),
  'policy-forbid': denial(403, 'a policy forbids this request', 'insufficient_scope'),
  'no-policy-permits': denial(403, 'no policy permits this request', 'insufficient_scope'),
  'bad-request': denial(400, 'the request is malformed'),
  'internal-error': denial(500, 'the gateway failed'),
  'state-lost': denial(503, 'revocations may have been lost; a newer sign-in is accepted'),
  'keys-unavailable': denial(503, 'the keys of the issuer are not available'),
  'state-unavailable': denial(503, 'the state of sessions and revocations is not available'),
  'egress-unavailable': denial(503, 'the way to the workspace does not answer'),
  'state-full': denial(503, 'the store of sessions is nearly full and takes no new ones'),
  'upstream-credential-unavailable': denial(503, 'there is no credential for the workspace'),
} as const satisfies Record<string, ReasonRow>

export type Reason = keyof typeof REASONS
export type DenyReason = Exclude<Reason, 'allowed'>

function invalidToken(message: string): ReasonRow & { readonly status: 401 } {
  return denial(401, message, 'invalid_token')
}

/** A row with the error code and the wait of its status. */
function denial<S extends ErrorStatus>(
  status: S,
  message: string,
  challenge: ChallengeKind = null,
): ReasonRow & { readonly status: S } {
  return { status, challenge, ...ERROR_ANSWERS[status], message }
}
