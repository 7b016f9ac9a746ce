import type { AccessRequest } from '../domain/access-request.ts'
import { type Obligation, obligation } from '../domain/obligation.ts'
import { type Principal, subjectKey } from '../domain/principal.ts'

/** Facts about this deployment that go to the workspace with every request. */
export interface Deployment {
  /** numeric id that pins `X-Databricks-Org-Id` on hosts that serve several workspaces */
  readonly workspaceId: string
  /** `brickgate/<version>` */
  readonly product: string
  /** true: a subject or group needs the issuer's name in front */
  readonly hasSeveralIssuers: boolean
  /** false: the workspace gets no groups */
  readonly sendsGroups: boolean
}

/** limit of the header's value; servers before the workspace accept little more for all headers */
const MAX_GROUPS_BYTES = 8192

/**
 * The identity that the gate puts on an allowed request. Commas join groups. In groups and e-mail
 * addresses every character except visible ASCII, and `%` and `,`, is percent-encoded UTF-8, so no
 * name can look like two.
 *
 * INVARIANT: with several issuers the subject and each group begin with `<issuer>|`. An issuer
 * name has no `|`; otherwise an issuer could name a subject or group of another.
 *
 * INVARIANT: groups are sent whole or left out. A cut list would hide groups from the workspace.
 * Over 8 KB the header is left out, and `BRICKGATE_GROUPS_STATE` is `omitted`; policies have used
 * all groups before.
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

function groupsField({ issuerName, groups }: Principal, hasSeveralIssuers: boolean): string {
  const owner = hasSeveralIssuers ? `${issuerName}|` : ''
  return groups.map((group) => owner + encodeName(group)).join(',')
}

function encodeName(name: string): string {
  return name.toWellFormed().replace(/[^\x21-\x7e]|[%,]/gu, encodeURIComponent)
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
