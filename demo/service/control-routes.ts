import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { BadCall, parseJson, readText } from './json.ts'

/** A call of a control route. */
export interface ControlCall {
  readonly query: URLSearchParams
  /** the JSON body, not validated; `{}` without a body */
  readonly body: unknown
}

/**
 * Control routes by `METHOD /path`. A route returns, or resolves to, the value that is sent as JSON
 * with 200; undefined is 204 without a body.
 */
export type ControlRoutes = Readonly<Record<string, (call: ControlCall) => unknown>>

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Serves control routes: 400 for a `BadCall`, 404 for an unknown route, 500 for any other error.
 */
export function createControlApp(routes: ControlRoutes): FastifyInstance {
  const app = fastify({ exposeHeadRoutes: false })
  app.removeAllContentTypeParsers()
  // every body is JSON, whatever its type
  app.addContentTypeParser('*', async (_request: FastifyRequest, body: FastifyRequest['raw']) =>
    parseJson(await readText(body, MAX_BODY_BYTES)),
  )
  app.setNotFoundHandler(({ method, url }, reply) => {
    const [path] = url.split('?', 1)
    return reply.code(404).send({ error: `no control route ${method} ${path}` })
  })
  app.setErrorHandler((error, _request, reply) => {
    const message = error instanceof Error ? error.message : String(error)
    return reply.code(error instanceof BadCall ? 400 : 500).send({ error: message })
  })
  for (const [name, route] of Object.entries(routes)) {
    const [method = '', url = ''] = name.split(' ')
    app.route({
      method,
      url,
      async handler(request, reply) {
        const query = new URL(request.url, 'http://control').searchParams
        const value = await route({ query, body: request.body === undefined ? {} : request.body })
        return reply.code(value === undefined ? 204 : 200).send(value)
      },
    })
  }
  return app
}
