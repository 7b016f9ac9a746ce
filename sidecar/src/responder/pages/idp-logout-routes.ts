import type { FastifyInstance } from 'fastify'
import { RETRY_AFTER_SECONDS } from '../../domain/error-answer.ts'
import { keyName } from '../../domain/principal.ts'
import { REASONS } from '../../domain/reason.ts'
import { ROUTES } from '../../http/routes.ts'
import { onlyValue, readPageRequest } from './page-request.ts'
import { type BrowserRoutesDeps, fieldsOf } from './pages-deps.ts'

/** The routes by which the provider announces a sign-out. */
export function addIdpLogoutRoutes(pages: FastifyInstance, deps: BrowserRoutesDeps): void {
  const { idpLogout, clock } = deps
  pages.post(ROUTES.backchannelLogout, async (request, reply) => {
    const token = onlyValue(fieldsOf(request.body), 'logout_token')
    if (token === null) return reply.code(400).send(invalidRequest('there is no one logout token'))
    const obeyed = await idpLogout.byToken(token, clock.nowSeconds())
    if (obeyed.ok) return reply.code(200).send()
    const { status, message } = REASONS[obeyed.reason]
    if (status < 500) return reply.code(400).send(invalidRequest(message))
    return reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).send(invalidRequest(message))
  })
  pages.get(ROUTES.frontchannelLogout, async (request, reply) => {
    const page = readPageRequest(request.raw)
    const issuer = page.ok ? onlyValue(page.value.query, 'iss') : null
    const sid = page.ok ? onlyValue(page.value.query, 'sid') : null
    const idpSession = sid === null ? null : keyName(sid)
    // The provider shows this answer in a frame of its own page.
    reply
      .header(
        'content-security-policy',
        `default-src 'none'; frame-ancestors ${deps.providerOrigin}`,
      )
      .header('content-type', 'text/html; charset=utf-8')
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
    if (issuer === null || idpSession === null) return reply.code(400).send('<!doctype html>')
    const ended = await idpLogout.byBrowser(issuer, idpSession, clock.nowSeconds())
    if (!ended.ok)
      return reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).send('<!doctype html>')
    return reply.code(ended.value ? 200 : 400).send('<!doctype html>')
  })
}

/** Back-Channel Logout 1.0 section 2.8. */
function invalidRequest(description: string): object {
  return { error: 'invalid_request', error_description: description }
}
