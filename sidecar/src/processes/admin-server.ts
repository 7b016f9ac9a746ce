import { createServer, type Server, type ServerResponse } from 'node:http'
import { parseAddress } from '../domain/address.ts'

/** A part of the deployment in `/readyz`. */
export interface PartState {
  readonly ok: boolean
  readonly [detail: string]: unknown
}

export interface AdminDeps {
  /** Prometheus text format 0.0.4 */
  readonly metrics: () => Promise<string>
  /** whether any worker serves */
  readonly isAlive: () => boolean
  /** everything that traffic depends on, each part with its state */
  readonly parts: () => Promise<Readonly<Record<string, PartState>>>
}

/**
 * The admin HTTP server, not listening yet: `/metrics`, `/healthz` (200 while any worker serves)
 * and `/readyz` (200 only while every part is ok). It contains no personal data and changes
 * nothing.
 */
export function createAdminServer(deps: AdminDeps): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return json(response, 405, { error: 'method not allowed' })
    }
    const path = request.url?.split('?')[0] ?? ''
    route(path, response).catch((error: unknown) => {
      json(response, 500, { error: error instanceof Error ? error.message : 'failed' })
    })
  })

  async function route(path: string, response: ServerResponse): Promise<void> {
    if (path === '/metrics') {
      const page = await deps.metrics()
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      response.end(page)
    } else if (path === '/healthz') {
      const isAlive = deps.isAlive()
      json(response, isAlive ? 200 : 503, { status: isAlive ? 'alive' : 'no worker serves' })
    } else if (path === '/readyz') {
      const parts = await deps.parts()
      const isReady = Object.values(parts).every((part) => part.ok)
      json(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', ...parts })
    } else {
      json(response, 404, { error: 'not found' })
    }
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

/** @throws {Error} for an address that is not free, or not this host's */
export function listenOn(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(parseAddress(address), resolve)
  })
}
