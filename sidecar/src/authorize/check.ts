import type { AccessRequest } from '../domain/access-request.ts'
import type { Clock } from '../domain/clock.ts'
import { allow, type Decision, deny } from '../domain/decision.ts'
import { obligation } from '../domain/obligation.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { namesOtherWorkspace } from '../http/workspace-selector.ts'
import { evaluate } from '../policy/evaluate.ts'
import type { PolicySet } from '../policy/policy.ts'
import type { TokenRefresh } from '../sign-in/token-refresh.ts'
import type { SubjectToken, UpstreamCredential } from '../upstream/upstream-credential.ts'
import type { Authenticate, Caller } from './authenticate.ts'
import { type Deployment, identityHeaders } from './identity-headers.ts'

/** Decides whether a request may go to the workspace, and with which identity. */
export type Check = (request: AccessRequest) => Promise<Decision>

export interface CheckDeps {
  readonly authenticate: Authenticate
  readonly policies: PolicySet
  /** refreshes the access tokens of sessions; null without sign-in */
  readonly refresh: TokenRefresh | null
  readonly upstream: UpstreamCredential
  readonly deployment: Deployment
  /** true while the egress accepts requests and answers none */
  readonly isEgressFrozen: () => boolean
  readonly clock: Clock
  /** called with the error of a policy that could not be evaluated and therefore forbade */
  readonly onPolicyFailure: (error: unknown) => void
}

/**
 * Decides about a request: caller (credential, principal, session, revocation), permission
 * (policy), then the credential and identity for the workspace.
 *
 * INVARIANT: every return except the last denies. Another allow would skip a check.
 */
export function createCheck(deps: CheckDeps): Check {
  return async (request) => {
    const nowSeconds = deps.clock.nowSeconds()
    const authentication = await deps.authenticate(request, nowSeconds)
    if (!authentication.ok) return deny(authentication, authentication.context)
    const { principal } = authentication.caller

    if (namesOtherWorkspace(request, deps.deployment.workspaceId)) {
      return deny(refuse('wrong-workspace'), authentication.caller)
    }
    const verdict = evaluate(deps.policies, { ...request, principal })
    verdict.failures.forEach(deps.onPolicyFailure)
    const context = { ...authentication.caller, policies: verdict.determiningPolicies }
    if (verdict.effect === 'forbid') return deny(refuse('policy-forbid'), context)
    if (verdict.effect !== 'permit') return deny(refuse('no-policy-permits'), context)

    if (deps.isEgressFrozen()) return deny(refuse('egress-unavailable'), context)
    const subjectToken = await liveToken(authentication.caller, nowSeconds)
    if (!subjectToken.ok) return deny(subjectToken, context)
    const authorization = deps.upstream.authorizationFor(subjectToken.value, nowSeconds)
    if (!authorization.ok) return deny(authorization, context)
    const identity = identityHeaders(principal, request, deps.deployment)

    return allow(context, [...identity, obligation('BRICKGATE_AUTHORIZATION', authorization.value)])
  }

  async function liveToken(
    caller: Caller,
    nowSeconds: number,
  ): Promise<Result<SubjectToken | null>> {
    const { session, subjectToken } = caller
    if (session === null || deps.refresh === null) return ok(subjectToken)
    const fresh = await deps.refresh.freshen(session, nowSeconds)
    return fresh.ok ? ok(fresh.value.accessToken) : fresh
  }
}
