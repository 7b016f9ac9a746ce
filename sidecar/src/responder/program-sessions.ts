import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../authorize/authenticate.ts'
import type { Envelope } from '../domain/access-request.ts'
import { signInSeconds, subjectKey } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { ROUTES } from '../http/routes.ts'
import { isSid } from '../session/session.ts'
import type { OpenedSession, SessionRegistry } from '../session/session-registry.ts'
import type { Guard } from './guard.ts'
import { sendReply } from './send.ts'

export interface ProgramSessionsDeps {
  readonly registry: SessionRegistry
  readonly absoluteTimeoutSeconds: number
}

/** The body of a request for a program session: empty, or a shorter life. */
const wishesSchema = z.strictObject({ expires_in: z.int().positive().optional() }).nullish()

/**
 * Sessions for programs: a program sends its access token once and uses an opaque token from then
 * on. That token can be ended by itself and reveals nothing about its owner.
 *
 * INVARIANT: a session is made only from an access token of the IdP, never from a cookie or another
 * session. It lives no longer than that token, and is denied whenever that token is. Otherwise
 * sessions could outlive a revocation.
 */
export function programSessions(
  app: FastifyInstance,
  guard: Guard,
  deps: ProgramSessionsDeps,
): void {
  void app.register(async (routes) => {
    acceptEmptyBodies(routes)
    addRoutes(routes, guard, deps)
  })
}

/** `curl -d ''` sends an empty body with the type of a form; a body with content must be JSON. */
function acceptEmptyBodies(routes: FastifyInstance): void {
  const parseJson = routes.getDefaultJsonParser('error', 'error')
  routes.removeAllContentTypeParsers()
  routes.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => (body === '' ? done(null, null) : parseJson(request, body, done)),
  )
  routes.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, body, done) =>
    body === '' ? done(null, null) : done(notJson()),
  )
}

function notJson(): Error {
  return Object.assign(new Error('the body is not JSON'), { statusCode: 415 })
}

function addRoutes(app: FastifyInstance, guard: Guard, deps: ProgramSessionsDeps): void {
  const { registry } = deps

  app.post(ROUTES.sessions, async (request, reply) => {
    const answer = await guard(request.raw, async (caller, envelope, nowSeconds) => {
      if (caller.credential !== 'bearer') return refuse('credential-not-accepted')
      const wishes = wishesSchema.safeParse(request.body)
      if (!wishes.success) return refuse('bad-request')
      const lifeSeconds = wishes.data?.expires_in ?? deps.absoluteTimeoutSeconds
      const atMostSeconds = Math.min(lifeSeconds, deps.absoluteTimeoutSeconds)
      return concerning(await open(caller, envelope, { nowSeconds, atMostSeconds }))
    })
    if (!answer.ok) return sendReply(reply, answer.refusal)
    const { id, sid, expiresAtSeconds } = answer.value
    return reply.code(201).send({ token: id, sid, expires_at: Math.floor(expiresAtSeconds) })
  })

  app.delete(ROUTES.sessions, async (request, reply) => {
    const answer = await guard(request.raw, async ({ credential, principal, sid }) => {
      if (credential !== 'session' || sid === null) return refuse('credential-not-accepted')
      const ended = await registry.end({ sid, principal })
      return ended.ok ? ok({ sid }) : ended // ended meanwhile by another request: it has ended
    })
    return answer.ok ? reply.code(204).send() : sendReply(reply, answer.refusal)
  })

  app.delete<{ Params: { sid: string } }>(`${ROUTES.sessions}/:sid`, async (request, reply) => {
    const { sid } = request.params
    const answer = await guard(request.raw, async ({ principal }, _envelope, nowSeconds) => {
      if (!isSid(sid)) return refuse('no-such-session')
      const found = await registry.find(sid, nowSeconds)
      if (!found.ok) return found
      const session = found.value?.session
      const isOwn = session && subjectKey(session.principal) === subjectKey(principal)
      if (!isOwn) return refuse('no-such-session')
      const ended = await registry.end(session)
      return ended.ok ? ok({ sid }) : ended
    })
    return answer.ok ? reply.code(204).send() : sendReply(reply, answer.refusal)
  })

  function open(
    { principal, subjectToken, expiresAtSeconds }: Caller,
    { tier, sourceIp, userAgent }: Envelope,
    { nowSeconds, atMostSeconds }: { nowSeconds: number; atMostSeconds: number },
  ): Promise<Result<OpenedSession>> {
    const session = {
      principal,
      kind: 'program',
      tier,
      signInSeconds: signInSeconds(principal),
      createdAtSeconds: Math.floor(nowSeconds),
      expiresAtSeconds: Math.floor(Math.min(expiresAtSeconds, nowSeconds + atMostSeconds)),
      accessToken: subjectToken && { ...subjectToken, tokenId: principal.tokenId },
      refreshToken: null,
      idToken: null,
      sourceIp,
      userAgent,
    } as const
    return registry.open(session, nowSeconds)
  }
}

/** Adds the sid at the place where the decision's record looks for it. */
function concerning(
  opened: Result<OpenedSession>,
): Result<{ readonly id: string; readonly sid: string; readonly expiresAtSeconds: number }> {
  if (!opened.ok) return opened
  const { id, session } = opened.value
  return ok({ id, sid: session.sid, expiresAtSeconds: session.expiresAtSeconds })
}
