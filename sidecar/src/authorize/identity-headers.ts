import type { AccessRequest } from '../domain/access-request.ts'
import { type Obligation, obligation } from '../domain/obligation.ts'
import { type Principal, subjectKey } from '../domain/principal.ts'

/** What every request to this deployment's workspace says of the gateway. */
export interface Deployment {
  /** numeric id that pins `X-Databricks-Org-Id` on hosts that serve several workspaces */
  readonly workspaceId: string
  /** `brickgate/<version>` */
  readonly product: string
  /** whether a subject or group alone would not say whose it is */
  readonly hasSeveralIssuers: boolean
  /** whether the workspace is told the groups */
  readonly sendsGroups: boolean
}

/** of the header's value; servers before the workspace take little more in all of a request's headers */
const MAX_GROUPS_BYTES = 8192

/**
 * The identity that the gate puts on an allowed request. Groups are joined by commas; in groups and
 * e-mail everything but visible ASCII, and `%` and `,` too, is percent-encoded UTF-8, so that no name
 * can pretend to be two.
 *
 * INVARIANT: with several issuers the subject and each group begin with `<alias>|`. An alias has no
 * `|`, so that no issuer can name a subject or group of another.
 *
 * INVARIANT: groups go on whole or not at all. What does not fit into 8 KB is left out, and a header
 * of its own says so; policies have judged by all of them before.
 */
export function identityHeaders(
  principal: Principal,
  request: AccessRequest,
  deployment: Deployment,
): readonly Obligation[] {
  const { hasSeveralIssuers } = deployment
  const userAgent = `${printable(request.userAgent)} ${deployment.product} rid/${request.requestId}`
  const obligations = [
    obligation('BRICKGATE_USER', hasSeveralIssuers ? subjectKey(principal) : principal.subject),
    obligation('BRICKGATE_TIER', request.tier),
    obligation('BRICKGATE_WORKSPACE_ID', deployment.workspaceId),
    obligation('BRICKGATE_USER_AGENT', userAgent.trimStart()),
  ]
  const email = encodeName(principal.email ?? '')
  if (email !== '') obligations.push(obligation('BRICKGATE_EMAIL', email))
  const groups = deployment.sendsGroups ? groupsField(principal, hasSeveralIssuers) : ''
  if (groups.length > MAX_GROUPS_BYTES) {
    obligations.push(obligation('BRICKGATE_GROUPS_STATE', 'omitted'))
  } else if (groups !== '') obligations.push(obligation('BRICKGATE_GROUPS', groups))
  const cookies = request.presented.otherCookies
  if (cookies !== '') obligations.push(obligation('BRICKGATE_COOKIE', printable(cookies)))
  return obligations
}

function groupsField({ issuer, groups }: Principal, hasSeveralIssuers: boolean): string {
  const owner = hasSeveralIssuers ? `${issuer}|` : ''
  return groups.map((group) => owner + encodeName(group)).join(',')
}

function encodeName(name: string): string {
  return name.toWellFormed().replace(/[^\x21-\x7e]|[%,]/gu, encodeURIComponent)
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
