import type { Envelope } from '../domain/access-request.ts'

/**
 * Whether another site may have started a request with a session cookie. A read is safe because
 * that site cannot see the answer. Every other method and every WebSocket needs the gateway's own
 * `Origin`, or `Sec-Fetch-Site: same-origin`.
 *
 * @param publicOrigin scheme, host and port of the tier's `public_url`
 */
export function isCrossSite(request: Envelope, publicOrigin: string): boolean {
  const { origin, fetchSite, isWebSocketUpgrade } = request.browser
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && !isWebSocketUpgrade) return false
  if (origin !== null) return origin !== publicOrigin
  return fetchSite !== 'same-origin'
}
