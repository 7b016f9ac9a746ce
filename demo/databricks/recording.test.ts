import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectionStats } from './connections.ts'
import { createRequestLog, MAX_REQUESTS, type RecordedRequest } from './request-log.ts'
import {
  PERSONAL_ACCESS_TOKEN,
  type SimulatorFixture,
  startSimulator,
  WORKSPACE,
} from './simulator-fixture.ts'

const ME = '/api/2.0/preview/scim/v2/Me'
const STATEMENTS = '/api/2.0/sql/statements/'
let workspace: SimulatorFixture

beforeAll(async () => {
  workspace = await startSimulator()
})

afterAll(() => workspace.close())

beforeEach(() => workspace.control('DELETE', 'requests'))

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

describe('the recorded requests', () => {
  it('keep target, spelling, order and duplicates of headers as sent', async () => {
    const target = '/api/2.0/fs/files/Volumes/a%23b%2E?x=1&x=%zz?'
    const lines = ['hOST: one', 'x-Dup: 1', 'X-DUP: 2', 'X-Bytes: \xe9\xff', 'connection: close']
    await workspace.sendRaw(`DELETE ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    expect(workspace.newest()).toMatchObject({ method: 'DELETE', target, httpVersion: '1.1' })
    expect(workspace.newest().headers.map((pair) => pair.join(': '))).toEqual(lines)
  })

  it('name the server of the TLS handshake, null without one', async () => {
    await workspace.send(ME)
    expect(workspace.newest().serverName).toBe(WORKSPACE)
    const { host, port } = workspace.tls
    const socket = connect({ host, port, rejectUnauthorized: false })
    socket.write(`GET ${ME} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await once(socket, 'data')
    socket.destroy()
    expect(workspace.newest().serverName).toBeNull()
  })

  it('count a body and hash it, also in chunks and when nobody accepts the request', async () => {
    const body = JSON.stringify({ statement: 'select 1' })
    await workspace.send(STATEMENTS, { method: 'POST', body })
    const [half, rest] = [body.slice(0, 5), body.slice(5)]
    const chunks = [half, rest].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    const head = `POST ${STATEMENTS} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n`
    await workspace.sendRaw(`${head}Connection: close\r\n\r\n${chunks.join('')}0\r\n\r\n`)
    const bodies = workspace.simulator.log.list().map((request) => request.body)
    expect(bodies).toHaveLength(2)
    for (const recorded of bodies) {
      expect(recorded).toMatchObject({
        bytes: body.length,
        sha256: sha256(body),
        state: 'complete',
      })
      expect(recorded.firstByteAtMs).toBeGreaterThan(Date.now() - 10_000)
    }
  })

  it('have the whole of a long body that was refused, and the connection goes on', async () => {
    const body = Buffer.alloc(1024 * 1024)
    await workspace.send(STATEMENTS, { method: 'POST', body, headers: { authorization: 'x' } })
    const refused = workspace.newest()
    await vi.waitFor(() => expect(refused.body).toMatchObject({ state: 'complete' }))
    expect(refused.body.bytes).toBe(body.length)
    expect((await workspace.send(ME)).status).toBe(200)
    expect(workspace.newest().connection).toBe(refused.connection)
  })

  it('show an empty body as complete, without a first byte', async () => {
    await workspace.send(ME)
    const expected = { bytes: 0, sha256: sha256(''), firstByteAtMs: null, state: 'complete' }
    expect(workspace.newest().body).toEqual(expected)
  })

  it('show a body that broke off as aborted', async () => {
    const socket = connect(workspace.tls)
    const head = `PUT /api/2.0/fs/files/Volumes/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n`
    socket.write(`${head}Authorization: Bearer ${PERSONAL_ACCESS_TOKEN}\r\n\r\nabc`)
    await vi.waitFor(() => expect(workspace.newest().body.bytes).toBe(3))
    expect(workspace.newest().body.state).toBe('arriving')
    socket.destroy()
    await vi.waitFor(() => expect(workspace.newest().body.state).toBe('aborted'))
  })

  it('are listed by request id and by time, newest last, and forgotten on demand', async () => {
    for (const id of ['one', 'two', 'one']) {
      await workspace.send(ME, { headers: { 'X-Request-Id': id } })
      await sleep(5)
    }
    const list = (query: string): Promise<readonly RecordedRequest[]> =>
      workspace.control('GET', `requests${query}`)
    const all = await list('')
    const first = all[0]?.number ?? 0
    expect(all.map(({ number }) => number)).toEqual([first, first + 1, first + 2])
    expect(await list('?request_id=one')).toEqual([all[0], all[2]])
    expect(await list(`?since=${all[1]?.receivedAtMs}`)).toEqual(all.slice(1))
    await expect(list('?since=today')).rejects.toThrow('400')
    await workspace.control('DELETE', 'requests')
    expect(await list('')).toEqual([])
  })

  it('are bounded', async () => {
    const log = createRequestLog()
    const request = new IncomingMessage(new Socket())
    for (let count = 0; count < MAX_REQUESTS + 3; count += 1) log.recordUpgrade(request, 1)
    expect(log.list()).toHaveLength(MAX_REQUESTS)
    expect(log.list().at(-1)?.number).toBe(MAX_REQUESTS + 3)
  })
})

describe('the connections', () => {
  const stats = (): Promise<ConnectionStats> => workspace.control('GET', 'connections')

  it('are numbered, so that reuse is seen', async () => {
    const before = await stats()
    await workspace.send(ME)
    const first = workspace.newest().connection
    await workspace.send(ME)
    expect(workspace.newest().connection).toBe(first)
    await workspace.sendRaw(`GET ${ME} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    expect(workspace.newest().connection).toBeGreaterThan(first)
    expect((await stats()).opened).toBeGreaterThanOrEqual(before.opened + 1)
  })

  it('count handshakes of clients that do not trust the certificate', async () => {
    const { host, port, ca } = workspace.tls
    const before = (await stats()).failedHandshakes
    // Node's own client looks at the certificate only after the handshake.
    const distrusting = spawn('openssl', [
      's_client',
      '-verify_return_error',
      '-connect',
      `${host}:${port}`,
    ])
    await once(distrusting, 'exit')
    await vi.waitFor(async () => expect((await stats()).failedHandshakes).toBe(before + 1))
    const misnamed = connect({ host, port, ca, servername: 'other.example' })
    const [error] = await once(misnamed, 'error')
    expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('count what is not HTTP', async () => {
    const before = (await stats()).malformedRequests
    expect(await workspace.sendRaw('HELLO\r\n\r\n')).toBe('')
    expect((await stats()).malformedRequests).toBe(before + 1)
  })
})
