import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AdminDeps,
  createAdminServer,
  type PartState,
} from '../../src/processes/admin-server.ts'

let server: Server
let port: number
let parts: Record<string, PartState>
let isAlive: boolean
let metrics: AdminDeps['metrics']

beforeEach(async () => {
  parts = { redis: { ok: true, up: true }, workers: { ok: true, ready: 3 } }
  isAlive = true
  metrics = async () => 'a_total 1\n'
  server = createAdminServer({
    metrics: () => metrics(),
    isAlive: () => isAlive,
    parts: async () => parts,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

describe('GET', () => {
  it('/metrics is the page in the Prometheus text format', async () => {
    const response = await get('/metrics')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('a_total 1\n')
  })

  it('/metrics is 500 when it cannot be made', async () => {
    metrics = async () => Promise.reject(new Error('no metrics'))
    const response = await get('/metrics')
    expect([response.status, await response.json()]).toEqual([500, { error: 'no metrics' }])
  })

  it.each([
    [true, 200, { status: 'alive' }],
    [false, 503, { status: 'no worker serves' }],
  ])('/healthz while a worker serves being %s is %i', async (alive, status, body) => {
    isAlive = alive
    const response = await get('/healthz')
    expect([response.status, await response.json()]).toEqual([status, body])
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('/readyz is 200 with every part while all are well', async () => {
    const response = await get('/readyz')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready', ...parts }])
  })

  it.each(['redis', 'workers'])('/readyz is 503 when %s is not well', async (part) => {
    parts = { ...parts, [part]: { ok: false, why: 'reason' } }
    const response = await get('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'not ready', ...parts })
  })

  it.each(['/', '', '/metrics/', '/METRICS', '/metrics%2F', '/../metrics', '/__proto__'])(
    '%j is no page',
    async (path) => {
      expect(await raw(`GET ${path || '*'} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 404 /)
    },
  )

  it('a query changes nothing', async () => {
    expect((await get('/healthz?verbose=1&x=/metrics')).status).toBe(200)
  })
})

it('HEAD is answered as GET, without the body', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'HEAD' })
  expect([response.status, await response.text()]).toEqual([200, ''])
})

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PURGE', 'QUERY'])(
  '%s is answered with 405 and what is allowed',
  async (method) => {
    expect(await raw(`${method} /metrics HTTP/1.1`)).toMatch(
      /^HTTP\/1\.1 405 [^]*\r\nallow: GET, HEAD\r\n[^]*\{"error":"method not allowed"\}/,
    )
  },
)

it('an answer under way when the client leaves harms nobody', async () => {
  const made = Promise.withResolvers<string>()
  metrics = () => made.promise
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  made.resolve('a_total 1\n')
  expect((await get('/healthz')).status).toBe(200)
})

function get(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`)
}

/** Sends a request line as it is. */
async function raw(line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`)
  return text(socket)
}
