import type { FastifyInstance, FastifyReply } from 'fastify'
import { unknownCaller } from '../authorize/authenticate.ts'
import type { Envelope } from '../domain/access-request.ts'
import { cookieOf, SESSION_COOKIE, SIGN_IN_COOKIE, setCookie } from '../http/cookies.ts'
import { SIGN_IN_PATH } from '../http/sign-in-redirect.ts'
import { sidOf } from '../session/session-id.ts'
import { CALLBACK_PATH } from '../sign-in/openid-provider.ts'
import type { Browser, CompletedSignIn, SignInFailure } from '../sign-in/sign-in.ts'
import type { BrowserRoutesDeps } from './browser-deps.ts'
import { html } from './html.ts'
import { sendPage } from './page.ts'
import { onlyValue, readVisit, type Visit } from './visit.ts'

const SIGN_IN_COOKIE_SECONDS = 600

/** The way to the provider and back. */
export function addSignInRoutes(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  const { signIn, clock } = deps
  pages.get(SIGN_IN_PATH, async (request, reply) => {
    const visit = readVisit(request.raw)
    if (!visit.ok) return sendFailure(reply, 'no-transaction')
    const { query } = visit.value
    const wishes = {
      returnTo: onlyValue(query, 'return_to'),
      isForced: query.get('again') === '1',
    }
    const begun = await signIn.begin(browserOf(visit.value), wishes, clock.nowSeconds())
    if (!begun.ok) return sendFailure(reply, begun.failure)
    const cookie = setCookie(SIGN_IN_COOKIE, begun.value.secret, SIGN_IN_COOKIE_SECONDS)
    return reply.header('set-cookie', cookie).redirect(begun.value.location, 303)
  })
  pages.get(CALLBACK_PATH, async (request, reply) => {
    const visit = readVisit(request.raw)
    if (!visit.ok) return sendFailure(reply, 'no-transaction')
    const { query, envelope } = visit.value
    const startedMs = clock.monotonicMs()
    const done = await signIn.complete(browserOf(visit.value), query, clock.nowSeconds())
    if (!done.ok) return sendFailure(reply, done.failure)
    await replacePrevious(visit.value, done.value)
    record(envelope, done.value, clock.monotonicMs() - startedMs)
    return reply
      .header('set-cookie', setCookie(SESSION_COOKIE, done.value.id, null))
      .redirect(`${deps.publicOrigins[envelope.tier]}${done.value.returnTo}`, 303)
  })

  /** The browser forgets its session of before; nobody else may go on with it. */
  async function replacePrevious({ cookies }: Visit, { session }: CompletedSignIn): Promise<void> {
    const noted = await deps.idpLogout.signedIn(session)
    if (!noted.ok) deps.onTrouble('an IdP session could not be noted for its front-channel logout')
    const previous = cookieOf(SESSION_COOKIE, cookies)
    if (previous === null) return
    const found = await deps.registry.find(sidOf(previous), clock.nowSeconds())
    const ended =
      found.ok && found.value !== null ? await deps.registry.end(found.value.session) : found
    if (!ended.ok) deps.onTrouble('the previous session of a browser could not be ended')
  }

  function record(envelope: Envelope, { session }: CompletedSignIn, tookMs: number): void {
    const { principal, sid } = session
    const context = { ...unknownCaller('none'), principal, sid }
    deps.observer.decided({
      requestId: envelope.requestId,
      request: { ...envelope, path: CALLBACK_PATH },
      tier: envelope.tier,
      decision: { effect: 'allow', reason: 'allowed', ...context, obligations: [] },
      durationMicroseconds: Math.round(tookMs * 1000),
    })
  }
}

function browserOf({ envelope, cookies }: Visit): Browser {
  const { tier, sourceIp, userAgent } = envelope
  return { tier, sourceIp, userAgent, secret: cookieOf(SIGN_IN_COOKIE, cookies) }
}

interface Explanation {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly again: string
}

const AGAIN = `${SIGN_IN_PATH}?again=1`

const EXPLANATIONS: Readonly<Record<SignInFailure, Explanation>> = {
  'no-transaction': {
    status: 400,
    title: 'This sign-in is over',
    text: 'It was not started in this browser, took longer than ten minutes, or is done already. Nobody was signed in.',
    again: SIGN_IN_PATH,
  },
  refused: {
    status: 403,
    title: 'Sign-in was refused',
    text: 'Your identity provider did not confirm this sign-in. Nobody was signed in.',
    again: AGAIN,
  },
  unverified: {
    status: 403,
    title: 'Sign-in was refused',
    text: 'What your identity provider said could not be verified. Please tell the people who run this gateway.',
    again: AGAIN,
  },
  revoked: {
    status: 403,
    title: 'Access was ended',
    text: 'Your access has been ended since you last proved who you are. You may have to wait some seconds before you sign in again.',
    again: AGAIN,
  },
  unavailable: {
    status: 503,
    title: 'Sign-in is not available',
    text: 'Something that a sign-in needs does not answer right now. Please try again in a moment.',
    again: SIGN_IN_PATH,
  },
}

function sendFailure(reply: FastifyReply, failure: SignInFailure): FastifyReply {
  const { status, title, text, again } = EXPLANATIONS[failure]
  if (status === 503) reply.header('retry-after', '5')
  const body = html`<h1>${title}</h1>
<p>${text}</p>
<p class="actions"><a class="button main" href="${again}">Sign in</a></p>`
  return sendPage(reply, status, { title, body })
}
