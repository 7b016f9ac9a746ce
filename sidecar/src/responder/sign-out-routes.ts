import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Envelope } from '../domain/access-request.ts'
import { ok, refuse } from '../domain/result.ts'
import { SESSION_COOKIE, setCookie } from '../http/cookies.ts'
import { SIGN_IN_PATH } from '../http/sign-in-redirect.ts'
import { SIGNED_OUT_PATH } from '../sign-in/openid-provider.ts'
import type { Answered } from './ask.ts'
import { type BrowserRoutesDeps, fieldsOf, SIGN_OUT_PATH } from './browser-deps.ts'
import { isCsrfToken } from './csrf.ts'
import { html } from './html.ts'
import { sendPage } from './page.ts'
import { sendReply } from './send.ts'
import { onlyValue, tierOf } from './visit.ts'

/** Sign-out here and at the provider (OpenID Connect RP-Initiated Logout 1.0). */
export function addSignOutRoutes(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  pages.post(SIGN_OUT_PATH, async (request, reply) => {
    const signedOutAt = `${deps.publicOrigins[tierOf(request.raw)]}${SIGNED_OUT_PATH}`
    const answer = await deps.ask(request.raw, async ({ session }, envelope) => {
      if (session === null || !isOwnForm(request.body, envelope))
        return refuse('cross-site-request')
      const ended = await deps.registry.end(session)
      return ended.ok ? ok(session) : ended
    })
    if (!answer.ok) {
      // A session that is over needs no end.
      const isOver = answer.refusal.status === 401
      return isOver ? forgetCookie(reply).redirect(signedOutAt, 303) : sendUnchanged(reply, answer)
    }
    const { idToken, tier } = answer.value
    const atProvider = await deps.provider.endSessionUrl(idToken, tier)
    return forgetCookie(reply).redirect(atProvider ?? signedOutAt, 303)
  })
  pages.get(SIGNED_OUT_PATH, async (_request, reply) => {
    const body = html`<h1>You are signed out</h1>
<p>This browser has no session here any more.</p>
<p class="actions"><a class="button main" href="${SIGN_IN_PATH}">Sign in again</a></p>`
    return sendPage(reply, 200, { title: 'Signed out', body })
  })
}

/** Whether a form is one of a page of this very session. */
export function isOwnForm(body: unknown, envelope: Envelope): boolean {
  const id = sessionIdOf(envelope)
  return id !== null && isCsrfToken(onlyValue(fieldsOf(body), 'csrf'), id)
}

/** The opaque id in the cookie; null without exactly one. */
export function sessionIdOf({ presented: { sessionCookies } }: Envelope): string | null {
  const [id, ...further] = sessionCookies
  return id === undefined || further.length > 0 ? null : id
}

export function forgetCookie(reply: FastifyReply): FastifyReply {
  return reply.header('set-cookie', setCookie(SESSION_COOKIE, '', 0))
}

type Refused = Extract<Answered<never>, { readonly ok: false }>

/** What a person is told whose form did nothing. */
export function sendUnchanged(reply: FastifyReply, { refusal, decision }: Refused): FastifyReply {
  const isOutage = refusal.status === 503
  if (!isOutage && decision.reason !== 'cross-site-request') return sendReply(reply, refusal)
  if (isOutage) reply.header('retry-after', '5')
  const text = isOutage
    ? 'The store of sessions does not answer right now. Please try again in a moment.'
    : 'This request did not come from a page of your session. Open the page again and repeat it.'
  const body = html`<h1>Nothing was changed</h1>
<p>${text}</p>
<p class="actions"><a class="button" href="/_brickgate/">My sessions</a></p>`
  return sendPage(reply, refusal.status, { title: 'Nothing was changed', body })
}
