import type { FastifyInstance, FastifyReply } from 'fastify'
import { isCrossSite } from '../../authorize/cross-site.ts'
import type { Envelope } from '../../domain/access-request.ts'
import { RETRY_AFTER_SECONDS } from '../../domain/error-answer.ts'
import { ok, refuse } from '../../domain/result.ts'
import type { Tier } from '../../domain/tier.ts'
import { SESSION_COOKIE, setCookie } from '../../http/cookies.ts'
import { ROUTES } from '../../http/routes.ts'
import { type EndSessionHints } from '../../sign-in/openid-provider.ts'
import { tierOf } from '../cgi-params.ts'
import type { Answered } from '../guard.ts'
import { sendReply } from '../send.ts'
import { isCsrfToken } from './csrf.ts'
import { html } from './html.ts'
import { sendPage } from './page.ts'
import { onlyValue, readPageRequest } from './page-request.ts'
import { type BrowserRoutesDeps, fieldsOf } from './pages-deps.ts'

/** Sign-out here and at the provider (OpenID Connect RP-Initiated Logout 1.0). */
export function addSignOutRoutes(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  pages.post(ROUTES.signOut, async (request, reply) => {
    const answer = await deps.guard(request.raw, async ({ session }, envelope) => {
      if (session === null || !isOwnForm(request.body, envelope))
        return refuse('cross-site-request')
      const ended = await deps.registry.end(session)
      return ended.ok ? ok(session) : ended
    })
    if (answer.ok) {
      const { idToken, principal } = answer.value
      return signOutAtProvider(reply, tierOf(request.raw), {
        idToken,
        logoutHint: principal.email ?? principal.subject,
      })
    }
    if (!isOver(answer)) return sendUnchanged(reply, answer)
    // INVARIANT: another site changes no cookie. Its forms come without the session cookie
    // (`SameSite=Lax`), so they look like forms of a browser whose session is over; only `Origin`
    // distinguishes them.
    const page = readPageRequest(request.raw)
    const origin = deps.publicOrigins[tierOf(request.raw)]
    if (!page.ok || isCrossSite(page.value.envelope, origin)) return sendForeign(reply)
    return signOutAtProvider(reply, tierOf(request.raw), { idToken: null, logoutHint: null })
  })

  /** A session that is over here may live on at the provider, and would sign in the next person. */
  async function signOutAtProvider(
    reply: FastifyReply,
    tier: Tier,
    hints: EndSessionHints,
  ): Promise<FastifyReply> {
    const atProvider = await deps.provider.endSessionUrl(hints, tier)
    const signedOutAt = `${deps.publicOrigins[tier]}${ROUTES.signedOut}`
    return forgetCookie(reply).redirect(atProvider ?? signedOutAt, 303)
  }
  pages.get(ROUTES.signedOut, async (_request, reply) => {
    const body = html`<h1>You are signed out</h1>
<p>This browser has no session here any more.</p>
<p class="actions"><a class="button main" href="${ROUTES.signIn}">Sign in again</a></p>`
    return sendPage(reply, 200, { title: 'Signed out', body })
  })
}

/** Whether a form belongs to a page of this session. */
export function isOwnForm(body: unknown, envelope: Envelope): boolean {
  const id = sessionIdOf(envelope)
  return id !== null && isCsrfToken(onlyValue(fieldsOf(body), 'csrf'), id)
}

/** The opaque id in the cookie; null without exactly one cookie. */
export function sessionIdOf({ presented: { sessionCookies } }: Envelope): string | null {
  const [id, ...further] = sessionCookies
  return id === undefined || further.length > 0 ? null : id
}

export function forgetCookie(reply: FastifyReply, name = SESSION_COOKIE): FastifyReply {
  return reply.header('set-cookie', setCookie(name, '', 0))
}

type Refused = Extract<Answered<never>, { readonly ok: false }>

/** Whether the session is over, as far as that is known. */
function isOver({ refusal, decision }: Refused): boolean {
  return refusal.status === 401 || decision.reason === 'state-lost'
}

/** The page for a form that changed nothing. */
export function sendUnchanged(reply: FastifyReply, answer: Refused): FastifyReply {
  const { refusal, decision } = answer
  if (decision.reason === 'cross-site-request') return sendForeign(reply)
  if (refusal.status !== 503) return sendReply(reply, refusal)
  reply.header('retry-after', RETRY_AFTER_SECONDS)
  return sendNothingChanged(
    reply,
    503,
    'The store of sessions does not answer right now. Please try again in a moment.',
  )
}

function sendForeign(reply: FastifyReply): FastifyReply {
  return sendNothingChanged(
    reply,
    403,
    'This request did not come from a page of your session. Open the page again and repeat it.',
  )
}

function sendNothingChanged(reply: FastifyReply, status: number, text: string): FastifyReply {
  const body = html`<h1>Nothing was changed</h1>
<p>${text}</p>
<p class="actions"><a class="button" href="${ROUTES.home}">My sessions</a></p>`
  return sendPage(reply, status, { title: 'Nothing was changed', body })
}
