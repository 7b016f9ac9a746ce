import { ok, type Result, refuse } from '../domain/result.ts'

/** The token with which the caller came, or that its session holds. */
export interface SubjectToken {
  readonly token: string
  readonly expiresAtSeconds: number
}

/**
 * How the workspace is told who calls: the `Authorization` value of the forwarded request. A strategy
 * that has none to give refuses with `upstream-credential-unavailable`, never with another's.
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
 * One Databricks personal access token for every caller. Whoever may create tokens or read secrets with
 * it outlives every decision here, so `policy/built-in.ts` forbids those paths along with it.
 */
export function personalAccessToken(token: string): UpstreamCredential {
  const authorization = ok(`Bearer ${token}`)
  return { authorizationFor: () => authorization }
}
