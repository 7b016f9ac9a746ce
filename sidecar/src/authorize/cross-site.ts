import type { Envelope } from '../domain/access-request.ts'

/**
 * Whether a request that carries our cookie may have been started by another site. Reading is safe
 * without further proof because the answer stays unreadable to that site; everything else, and every
 * WebSocket, needs our own origin, or the browser's word that it is same-origin (Fetch Metadata).
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
