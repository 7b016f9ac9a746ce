import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { splitTarget } from './split-target.ts'

/** Answers with `value` as JSON, or with 204 and no body when it is undefined. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (value === undefined) return void response.writeHead(204).end()
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** What the caller of a control route did wrong; answered with 400 and its message. */
export class BadCall extends Error {}

/**
 * Reads a whole body as text. A longer one is read to its end too, so that the answer can be sent.
 *
 * @throws BadCall beyond `maxBytes`
 */
export async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
  }
  if (size > maxBytes) throw new BadCall(`body over ${maxBytes} bytes`)
  return Buffer.concat(chunks).toString('utf8')
}

/** Parses JSON text, no text being an empty object. @throws BadCall when it is not JSON */
export function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new BadCall('body is not JSON', { cause })
  }
}

/** @throws BadCall naming every problem of `body` */
export function parseCall<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new BadCall(z.prettifyError(parsed.error))
  return parsed.data
}

/** One call of a control route. */
export interface ControlCall {
  readonly query: URLSearchParams
  /** the JSON body, not validated; `{}` without one */
  readonly body: unknown
}

/** Control routes by `METHOD /path`; what one returns, or resolves to, is the answer of `sendJson`. */
export type ControlRoutes = Readonly<Record<string, (call: ControlCall) => unknown>>

const MAX_BODY_BYTES = 1024 * 1024

/** Serves control routes: 200, 400 for a bad call, 404 for an unknown route, else 500. */
export function createControlHandler(
  routes: ControlRoutes,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const { path, query } = splitTarget(request.url ?? '')
    const name = `${request.method} ${path}`
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (route === undefined) return sendJson(response, 404, { error: `no control route ${name}` })
    try {
      const body = parseJson(await readText(request, MAX_BODY_BYTES))
      sendJson(response, 200, await route({ query, body }))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      sendJson(response, error instanceof BadCall ? 400 : 500, { error: message })
    }
  }
}
