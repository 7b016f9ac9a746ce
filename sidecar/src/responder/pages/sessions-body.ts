import type { DecisionContext } from '../../domain/decision.ts'
import type { Principal } from '../../domain/principal.ts'
import { ROUTES } from '../../http/routes.ts'
import type { ListedSession } from '../../session/session-registry.ts'
import { deviceName } from './device.ts'
import { type Html, html } from './html.ts'

/** The owner of the page. */
export interface Owner extends Pick<DecisionContext, 'sid'> {
  readonly principal: Principal
}

/** The sessions that the page shows. */
export interface ShownSessions {
  /** last used first */
  readonly sessions: readonly ListedSession[]
  readonly csrf: string
  readonly nowSeconds: number
}

/**
 * INVARIANT: the page contains no opaque id and no token; a copy of the page would open the
 * session.
 */
export function sessionsBody(owner: Owner, shown: ShownSessions): Html {
  const { principal } = owner
  const groups = principal.groups.length === 0 ? 'in no group' : principal.groups.join(', ')
  return html`<h1>${principal.email ?? principal.subject}</h1>
<p class="quiet">${principal.subject} at ${principal.issuerName} &middot; ${groups}</p>
<h2>Sessions</h2>
<ul>
${shown.sessions.map((listed) => sessionItem(listed, owner, shown))}
</ul>
<form class="actions" method="post" action="${ROUTES.signOut}">
<input type="hidden" name="csrf" value="${shown.csrf}">
<button class="main">Sign out</button>
</form>`
}

function sessionItem(
  { session, lastSeenSeconds }: ListedSession,
  owner: Owner,
  { csrf, nowSeconds }: ShownSessions,
): Html {
  const isThis = session.sid === owner.sid
  const badge = isThis ? 'this browser' : session.kind === 'program' ? 'program' : null
  return html`<li>
<div>
<strong>${deviceName(session.userAgent)}</strong> ${badge === null ? null : html`<span class="badge">${badge}</span>`}
<p class="quiet">${session.sourceIp} &middot; ${session.tier} &middot; signed in ${moment(session.createdAtSeconds)} &middot; last seen ${ago(nowSeconds - lastSeenSeconds)}</p>
</div>
<form method="post" action="${ROUTES.endSession}">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="session" value="${session.sid}">
<button>End</button>
</form>
</li>`
}

function moment(seconds: number): Html {
  const iso = new Date(seconds * 1000).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

/** Last use is stored every half minute, so seconds would be too precise. */
function ago(seconds: number): string {
  const [step, unit] = STEPS.find(([length]) => seconds >= length) ?? [0, '']
  if (step === 0) return 'just now'
  const count = Math.floor(seconds / step)
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
