import type { FastifyInstance } from 'fastify'
import { subjectKey } from '../../domain/principal.ts'
import { ok, type Result, refuse } from '../../domain/result.ts'
import { ROUTES } from '../../http/routes.ts'
import { signInRedirect } from '../../http/sign-in-redirect.ts'
import { isSid, type Session } from '../../session/session.ts'
import { tierOf } from '../cgi-params.ts'
import { sendReply } from '../send.ts'
import { csrfToken } from './csrf.ts'
import { sendPage } from './page.ts'
import { onlyValue, readPageRequest } from './page-request.ts'
import { type BrowserRoutesDeps, fieldsOf } from './pages-deps.ts'
import { sessionsBody } from './sessions-body.ts'
import { forgetCookie, isOwnForm, sendUnchanged, sessionIdOf } from './sign-out-routes.ts'

/** The page on which people see who they are, list their sessions, and end any of them. */
export function addSessionsPage(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  const { registry } = deps
  pages.get(ROUTES.home, async (request, reply) => {
    const origin = deps.publicOrigins[tierOf(request.raw)]
    const answer = await deps.guard(request.raw, async (caller, envelope, nowSeconds) => {
      const id = sessionIdOf(envelope)
      if (id === null) return refuse('no-credential') // programs have `whoami`
      const listed = await registry.list(subjectKey(caller.principal), nowSeconds)
      return listed.ok ? ok({ ...caller, id, listed: listed.value, nowSeconds }) : listed
    })
    if (!answer.ok) {
      const page = readPageRequest(request.raw)
      const redirect = page.ok
        ? signInRedirect({ ...page.value.envelope, target: ROUTES.home }, answer.decision, origin)
        : null
      return sendReply(reply, redirect ?? answer.refusal)
    }
    const { id, listed, nowSeconds } = answer.value
    const body = sessionsBody(answer.value, {
      sessions: listed.toSorted((a, b) => b.lastSeenSeconds - a.lastSeenSeconds),
      csrf: csrfToken(id),
      nowSeconds,
    })
    const formOrigin = deps.provider.endSessionOrigin()
    return sendPage(reply, 200, { title: 'My sessions', body, formOrigin })
  })
  pages.post(ROUTES.endSession, async (request, reply) => {
    const answer = await deps.guard(request.raw, async (caller, envelope, nowSeconds) => {
      if (!isOwnForm(request.body, envelope)) return refuse('cross-site-request')
      const sid = onlyValue(fieldsOf(request.body), 'session') ?? ''
      const found = await findOwn(sid, subjectKey(caller.principal), nowSeconds)
      if (!found.ok) return found
      const ended = found.value === null ? ok(false) : await registry.end(found.value)
      return ended.ok ? ok({ sid: found.value?.sid ?? null, isCaller: sid === caller.sid }) : ended
    })
    if (!answer.ok) return sendUnchanged(reply, answer)
    if (answer.value.isCaller) forgetCookie(reply)
    return reply.redirect(`${deps.publicOrigins[tierOf(request.raw)]}${ROUTES.home}`, 303)
  })

  /**
   * INVARIANT: nobody can end another person's session: the sid must belong to the caller's
   * subject.
   *
   * @returns null when the caller has no such session
   */
  async function findOwn(
    sid: string,
    subject: string,
    nowSeconds: number,
  ): Promise<Result<Session | null>> {
    if (!isSid(sid)) return ok(null)
    const found = await registry.find(sid, nowSeconds)
    if (!found.ok) return found
    const session = found.value?.session ?? null
    return ok(session !== null && subjectKey(session.principal) === subject ? session : null)
  }
}
