import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { createServer } from 'node-fastcgi'
import { ok } from '../domain/result.ts'
import { ROUTES } from '../http/routes.ts'
import { createGuard, type Guard, type GuardDeps } from './guard.ts'
import { type ProgramSessionsDeps, programSessions } from './program-sessions.ts'
import { sendError, sendReply } from './send.ts'

export interface ResponderDeps extends GuardDeps, ProgramSessionsDeps {
  readonly version: string
  /** adds the pages for browsers; null without `sign_in` in the configuration */
  readonly addPages: ((app: FastifyInstance, guard: Guard) => void) | null
  /** called with an error that no client caused */
  readonly onUnexpected: (error: unknown) => void
}

const MAX_BODY_BYTES = 64 * 1024

/**
 * The web application below `/_brickgate/`, in the FastCGI RESPONDER role, not listening yet. It
 * trusts no header; tier and request id come from the gate's own parameters.
 */
export function createResponder(deps: ResponderDeps): FastifyInstance {
  const guard = createGuard(deps)
  const app = Fastify({
    serverFactory: (handler) => createServer(handler),
    bodyLimit: MAX_BODY_BYTES,
  })
  app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  app.setNotFoundHandler((_request, reply) => sendError(reply, 404, 'there is no such page'))
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 400 && status < 500) return sendError(reply, status, 'the request is malformed')
    deps.onUnexpected(error)
    return sendError(reply, 500, 'the gateway failed')
  })

  app.get(ROUTES.version, async (request, reply) => {
    const answer = await guard(request.raw, async (caller) => ok(caller))
    if (!answer.ok) return sendReply(reply, answer.refusal)
    return reply.send({ name: 'brickgate', version: deps.version })
  })
  app.get(ROUTES.whoami, async (request, reply) => {
    const answer = await guard(request.raw, async (caller) => ok(caller))
    if (!answer.ok) return sendReply(reply, answer.refusal)
    const { principal, credential, expiresAtSeconds } = answer.value
    return reply.send({
      subject: principal.subject,
      issuer: principal.issuerName,
      email: principal.email,
      groups: principal.groups,
      credential,
      expires_at: Math.floor(expiresAtSeconds),
    })
  })
  programSessions(app, guard, deps)
  deps.addPages?.(app, guard)
  return app
}
