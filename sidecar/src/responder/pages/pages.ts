import type { FastifyInstance } from 'fastify'
import { tierOf } from '../cgi-params.ts'
import { sendError } from '../send.ts'
import { addIdpLogoutRoutes } from './idp-logout-routes.ts'
import { isMisdirected } from './page-request.ts'
import type { BrowserRoutesDeps } from './pages-deps.ts'
import { addSessionsPage } from './sessions-page.ts'
import { addSignInRoutes } from './sign-in-routes.ts'
import { addSignOutRoutes } from './sign-out-routes.ts'

/** Adds sign-in, sign-out and the page of sessions, each only for the tier's own host. */
export function addBrowserRoutes(app: FastifyInstance, deps: BrowserRoutesDeps): void {
  void app.register(async (pages) => {
    pages.addHook('onRequest', async (request, reply) => {
      if (!isMisdirected(request.raw, deps.publicOrigins[tierOf(request.raw)])) return
      await sendError(reply, 421, 'this host is not served here')
    })
    pages.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      async (_request: unknown, body: string) => new URLSearchParams(body),
    )
    addSignInRoutes(pages, deps)
    addSignOutRoutes(pages, deps)
    addIdpLogoutRoutes(pages, deps)
    addSessionsPage(pages, deps)
  })
}
