import { ok, type Result, refuse } from '../domain/result.ts'

/** The caller's own token, or the token of its session. */
export interface SubjectToken {
  readonly token: string
  readonly expiresAtSeconds: number
}

/**
 * Provides the `Authorization` value of the forwarded request. A strategy without a credential
 * returns `upstream-credential-unavailable`, never another credential.
 */
export interface UpstreamCredential {
  authorizationFor(subjectToken: SubjectToken | null, nowSeconds: number): Result<string>
}

/** Forwards exactly the verified JWT. A session without a live access token has none. */
export const passthrough: UpstreamCredential = {
  authorizationFor(subjectToken, nowSeconds) {
    if (subjectToken !== null && nowSeconds < subjectToken.expiresAtSeconds) {
      return ok(`Bearer ${subjectToken.token}`)
    }
    return refuse('upstream-credential-unavailable')
  },
}

/**
 * A single Databricks personal access token for every caller. With it a caller could create tokens
 * or read secrets that outlive every decision, so `policy/built-in.ts` forbids those paths.
 */
export function personalAccessToken(token: string): UpstreamCredential {
  const authorization = ok(`Bearer ${token}`)
  return { authorizationFor: () => authorization }
}
