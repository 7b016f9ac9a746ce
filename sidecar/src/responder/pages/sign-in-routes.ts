import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Envelope } from '../../domain/access-request.ts'
import { allow, unknownCaller } from '../../domain/decision.ts'
import { RETRY_AFTER_SECONDS } from '../../domain/error-answer.ts'
import { type DenyReason, REASONS } from '../../domain/reason.ts'
import { ok } from '../../domain/result.ts'
import { cookieOf, SESSION_COOKIE, setCookie, signInCookiesOf } from '../../http/cookies.ts'
import { ROUTES } from '../../http/routes.ts'
import { signInUrl } from '../../http/sign-in-redirect.ts'
import { sidOf } from '../../session/session.ts'
import type { OpenedSession } from '../../session/session-registry.ts'
import {
  type Browser,
  type SignInEnd,
  type SignInFailure,
  TRANSACTION_SECONDS,
} from '../../sign-in/sign-in.ts'
import { tierOf } from '../cgi-params.ts'
import { html } from './html.ts'
import { sendPage } from './page.ts'
import { onlyValue, type PageRequest, readPageRequest } from './page-request.ts'
import type { BrowserRoutesDeps } from './pages-deps.ts'
import { forgetCookie } from './sign-out-routes.ts'

/** The routes to the provider and back. */
export function addSignInRoutes(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  const { signIn, clock } = deps
  pages.get(ROUTES.signIn, async (request, reply) => {
    const page = readPageRequest(request.raw)
    if (!page.ok) return sendFailure(reply, 'no-transaction')
    const { query } = page.value
    const wishes = {
      returnTo: onlyValue(query, 'return_to'),
      isForced: query.get('again') === '1',
    }
    const begun = await signIn.begin(browserOf(page.value), wishes, clock.nowSeconds())
    if (!begun.ok) return sendFailure(reply, begun.failure)
    const { cookie, outdated, location } = begun.value
    outdated.forEach((name) => forgetCookie(reply, name))
    return reply
      .header('set-cookie', setCookie(cookie.name, cookie.value, TRANSACTION_SECONDS))
      .redirect(location, 303)
  })
  pages.get(ROUTES.callback, async (request, reply) => {
    const page = readPageRequest(request.raw)
    if (!page.ok) return sendFailure(reply, 'no-transaction')
    const { query, envelope } = page.value
    const startedMs = clock.monotonicMs()
    const end = await signIn.complete(browserOf(page.value), query, clock.nowSeconds())
    const { outcome, outdated, returnTo } = end
    if (outdated !== null) forgetCookie(reply, outdated)
    if (!outcome.ok) return sendOn(request.raw, reply, outcome, returnTo)
    await replacePrevious(page.value, outcome.value)
    record(envelope, outcome.value, clock.monotonicMs() - startedMs)
    return reply
      .header('set-cookie', setCookie(SESSION_COOKIE, outcome.value.id, null))
      .redirect(`${deps.publicOrigins[envelope.tier]}${returnTo}`, 303)
  })

  /**
   * Back and reload send a callback again. A signed-in browser goes on to its page. A spent sign-in
   * leads to a fresh sign-in with a new `state`, so there is no loop.
   */
  async function sendOn(
    incoming: IncomingMessage,
    reply: FastifyReply,
    { failure, reason }: Failed,
    returnTo: string,
  ): Promise<FastifyReply> {
    const origin = deps.publicOrigins[tierOf(incoming)]
    const isOver = failure === 'spent' || failure === 'no-transaction'
    if (isOver && (await isSignedIn(incoming))) return reply.redirect(`${origin}${returnTo}`, 303)
    if (failure === 'spent') return reply.redirect(signInUrl(origin, returnTo), 303)
    return sendFailure(reply, failure, returnTo, reason)
  }

  async function isSignedIn(incoming: IncomingMessage): Promise<boolean> {
    const page = readPageRequest(incoming)
    if (!page.ok || cookieOf(SESSION_COOKIE, page.value.cookies) === null) return false
    return (await deps.guard(incoming, async ({ sid }) => ok({ sid }))).ok
  }

  /** Ends the browser's previous session, because the browser forgets it. */
  async function replacePrevious(
    { cookies }: PageRequest,
    { session }: OpenedSession,
  ): Promise<void> {
    const noted = await deps.idpLogout.signedIn(session)
    if (!noted.ok) deps.onTrouble('an IdP session could not be noted for its front-channel logout')
    const previous = cookieOf(SESSION_COOKIE, cookies)
    if (previous === null) return
    const found = await deps.registry.find(sidOf(previous), clock.nowSeconds())
    const ended =
      found.ok && found.value !== null ? await deps.registry.end(found.value.session) : found
    if (!ended.ok) deps.onTrouble('the previous session of a browser could not be ended')
  }

  function record(envelope: Envelope, { session }: OpenedSession, tookMs: number): void {
    const { principal, sid } = session
    deps.observer.decided({
      requestId: envelope.requestId,
      request: { ...envelope, path: ROUTES.callback },
      tier: envelope.tier,
      decision: allow({ ...unknownCaller('none'), principal, sid }, []),
      durationMicroseconds: Math.round(tookMs * 1000),
    })
  }
}

function browserOf({ envelope, cookies }: PageRequest): Browser {
  const { tier, sourceIp, userAgent } = envelope
  return { tier, sourceIp, userAgent, signIns: signInCookiesOf(cookies) }
}

type Failed = Extract<SignInEnd['outcome'], { readonly ok: false }>

interface Explanation {
  readonly status: number
  readonly title: string
  readonly text: string
  /** true: the next sign-in makes the provider ask again */
  readonly isForced: boolean
}

const EXPLANATIONS: Readonly<Record<Exclude<SignInFailure, 'spent'>, Explanation>> = {
  'no-transaction': {
    status: 400,
    title: 'This sign-in is over',
    text: 'It was not started in this browser, or took longer than ten minutes. Nobody was signed in.',
    isForced: false,
  },
  busy: {
    status: 429,
    title: 'Too many sign-ins failed',
    text: 'Too many sign-ins from your network failed just now. Reload this page in a moment to complete yours.',
    isForced: false,
  },
  refused: {
    status: 403,
    title: 'Sign-in was refused',
    text: 'Your identity provider did not confirm this sign-in. Nobody was signed in.',
    isForced: true,
  },
  unverified: {
    status: 403,
    title: 'Sign-in was refused',
    text: 'What your identity provider said could not be verified. Please tell the people who run this gateway.',
    isForced: true,
  },
  unusable: {
    status: 403,
    title: 'Sign-in was refused',
    text: 'Your identity provider confirmed who you are, but gave no access token that the workspace takes. Please tell the people who run this gateway.',
    isForced: true,
  },
  revoked: {
    status: 403,
    title: 'Access was ended',
    text: 'Your access has been ended since you last proved who you are. You may have to wait some seconds before you sign in again.',
    isForced: true,
  },
  unavailable: {
    status: 503,
    title: 'Sign-in is not available',
    text: 'Something that a sign-in needs does not answer right now. Please try again in a moment.',
    isForced: false,
  },
}

function sendFailure(
  reply: FastifyReply,
  failure: Exclude<SignInFailure, 'spent'>,
  returnTo: string = ROUTES.home,
  reason?: DenyReason,
): FastifyReply {
  const { status, title, text, isForced } = EXPLANATIONS[failure]
  if (status === 503 || status === 429) reply.header('retry-after', RETRY_AFTER_SECONDS)
  const again = signInUrl('', returnTo, isForced)
  const body = html`<h1>${title}</h1>
<p>${text}</p>
${reason === undefined ? null : html`<p class="quiet">${REASONS[reason].message} (${reason})</p>`}
<p class="actions"><a class="button main" href="${again}">Sign in</a></p>`
  return sendPage(reply, status, { title, body })
}
