import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { sendJson } from '../service/json.ts'

/** Sets the headers that recorded answers of a workspace carry. */
export function setWorkspaceHeaders(response: ServerResponse, workspaceId: string): void {
  response.setHeader('x-request-id', randomUUID())
  response.setHeader('x-databricks-org-id', workspaceId)
  response.setHeader('x-databricks-popp-routing-reason', 'deployment-name')
  response.setHeader('strict-transport-security', 'max-age=31536000; includeSubDomains; preload')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('alt-svc', 'h3=":5443"')
  response.setHeader('server', 'databricks')
}

const UNSUPPORTED = 'Credential was not sent or was of an unsupported type for this API.'
const INVALID = 'Invalid access token.'

/** No credential, or not a Bearer one; the edge's own errors have a numeric code. */
export function refuseMissingCredential(response: ServerResponse): void {
  response.setHeader('www-authenticate', 'Bearer realm="DatabricksRealm"')
  refuseAtEdge(response, 401, UNSUPPORTED)
}

/** A bearer that is not accepted, for whatever reason. */
export function refuseInvalidCredential(response: ServerResponse): void {
  refuseAtEdge(response, 403, INVALID)
}

function refuseAtEdge(response: ServerResponse, status: number, message: string): void {
  response.setHeader('x-databricks-reason-phrase', message)
  sendJson(response, status, { error_code: status, message })
}

/**
 * An error of a service behind the edge.
 *
 * @param code such as `INVALID_PARAMETER_VALUE`
 */
export function answerError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  sendJson(response, status, { error_code: code, message })
}

/**
 * Answers that a thing does not exist.
 *
 * @param domain the service that looked for it
 */
export function answerNotFound(response: ServerResponse, message: string, domain: string): void {
  const detail = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'RESOURCE_NOT_FOUND',
    domain,
    metadata: {},
  }
  sendJson(response, 404, { error_code: 'NOT_FOUND', message, details: [detail] })
}
