import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BadCall } from '../service/json.ts'
import { splitTarget } from '../service/split-target.ts'
import {
  answerError,
  answerNotFound,
  refuseInvalidCredential,
  refuseMissingCredential,
  setWorkspaceHeaders,
} from './answers.ts'
import type { Behaviours } from './behaviour.ts'
import type { Connections } from './connections.ts'
import type { CredentialVerdict } from './credential-check.ts'
import type { WebSocketEcho } from './driver-proxy.ts'
import { matchRoute, type Route } from './exchange.ts'
import type { RequestLog } from './request-log.ts'

export interface WorkspaceParts {
  readonly workspaceId: string
  readonly log: RequestLog
  readonly connections: Connections
  readonly behaviours: Behaviours
  readonly checkCredential: (request: IncomingMessage) => Promise<CredentialVerdict>
  readonly routes: readonly Route[]
  readonly echo: WebSocketEcho
}

/**
 * Serves the workspace: records a request, then applies a misbehaviour, the credential check, and
 * the route. Node's own server, not Fastify: recorded targets and captured parts of a path are the
 * bytes as sent (`//`, `%2F`, `/%`), misbehaviours cut answers and connections, and WebSockets need
 * the upgrade.
 */
export interface WorkspaceListener {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  serveUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void>
}

export function createWorkspaceListener(parts: WorkspaceParts): WorkspaceListener {
  return {
    async serve(request, response) {
      const body = parts.log.record(request, parts.connections.numberOf(request.socket))
      await guard(response, async (gone) => {
        const caller = await admit(parts, request, response, gone)
        if (caller === null) return
        const { path, query } = splitTarget(request.url ?? '')
        const route = matchRoute(parts.routes, request.method ?? '', path)
        if (route === null) return answerNoEndpoint(request, response)
        const { captured } = route
        await route.answer({ request, response, body, query, captured, caller, gone })
      })
      body.resume()
    },
    async serveUpgrade(request, socket, head) {
      parts.log.recordUpgrade(request, parts.connections.numberOf(socket))
      const response = createUpgradeResponse(request, socket)
      await guard(response, async (gone) => {
        if ((await admit(parts, request, response, gone)) === null) return
        if (!parts.echo.accepts(splitTarget(request.url ?? '').path)) {
          return answerNoEndpoint(request, response)
        }
        response.detachSocket(socket)
        parts.echo.upgrade(request, socket, head)
      })
    },
  }
}

/** @returns the caller, or null when the request has its answer already */
async function admit(
  parts: WorkspaceParts,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<string | null> {
  setWorkspaceHeaders(response, parts.workspaceId)
  const { path } = splitTarget(request.url ?? '')
  const { method = '' } = request
  if (await parts.behaviours.apply({ method, path }, response, gone)) return null
  const verdict = await parts.checkCredential(request)
  if (verdict.kind === 'accepted') return verdict.caller
  if (verdict.kind === 'missing') refuseMissingCredential(response)
  else refuseInvalidCredential(response)
  return null
}

async function guard(
  response: ServerResponse,
  answer: (gone: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    await answer(gone.signal)
  } catch (error) {
    if (gone.signal.aborted) return
    if (error instanceof BadCall && !response.headersSent) {
      return answerError(response, 400, 'INVALID_PARAMETER_VALUE', error.message)
    }
    process.stderr.write(`${JSON.stringify({ error: String(error) })}\n`)
    response.destroy()
  }
}

/** Node hands over an upgrade's bare connection; a refusal needs a response on it. */
function createUpgradeResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request)
  response.assignSocket(socket)
  response.shouldKeepAlive = false
  response.once('finish', () => socket.end())
  socket.on('error', () => socket.destroy())
  return response
}

function answerNoEndpoint(request: IncomingMessage, response: ServerResponse): void {
  const { path } = splitTarget(request.url ?? '')
  answerNotFound(response, `No API found for '${request.method} ${path}'.`, 'databricks.com')
}
