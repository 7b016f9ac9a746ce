import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import {
  PERSONAL_ACCESS_TOKEN,
  type SimulatorFixture,
  startSimulator,
  WORKSPACE,
} from './simulator-fixture.ts'

const PROXY = '/driver-proxy-api/o/1234567890123456/1122-334455-abcdefg1/7681'
const headers = { authorization: `Bearer ${PERSONAL_ACCESS_TOKEN}` }
let workspace: SimulatorFixture

beforeAll(async () => {
  workspace = await startSimulator()
})

afterAll(() => workspace.close())

describe('server-sent events', () => {
  it('come one by one, 200 ms apart, and end with [DONE]', async () => {
    const body = JSON.stringify({ stream: true, max_tokens: 3 })
    const path = '/serving-endpoints/gpt-4o.mini/invocations'
    const sent = request({ ...workspace.tls, path, method: 'POST', headers }).end(body)
    const [response] = await once(sent, 'response')
    const arrivals: (readonly [string, number])[] = []
    for await (const chunk of response) arrivals.push([String(chunk), performance.now()])
    expect(response.headers['content-type']).toBe('text/event-stream')
    expect(arrivals.length).toBe(4)
    expect(arrivals[0]?.[0]).toContain('"content":"word0 "')
    expect(arrivals.at(-1)?.[0]).toBe('data: [DONE]\n\n')
    const gaps = arrivals.slice(1).map(([, at], index) => at - (arrivals[index]?.[1] ?? 0))
    for (const gap of gaps) expect(gap).toBeGreaterThan(150)
  })
})

describe('a long poll', () => {
  it('answers after the time that was asked for', async () => {
    const startedAt = performance.now()
    const { body } = await workspace.send(`${PROXY}/poll?seconds=0.3`)
    expect(performance.now() - startedAt).toBeGreaterThan(290)
    expect(JSON.parse(body.toString())).toEqual({ waited_seconds: 0.3 })
  })
})

describe('Expect: 100-continue', () => {
  it('is answered before the body is sent', async () => {
    const path = '/api/2.0/fs/files/Volumes/expected'
    const expecting = { ...headers, expect: '100-continue', 'content-length': '3' }
    const sent = request({ ...workspace.tls, path, method: 'PUT', headers: expecting })
    sent.flushHeaders()
    await once(sent, 'continue')
    expect(workspace.newest().body).toMatchObject({ bytes: 0, state: 'arriving' })
    sent.end('abc')
    const [response] = await once(sent, 'response')
    expect(response.statusCode).toBe(204)
    expect(workspace.newest().body).toMatchObject({ bytes: 3, state: 'complete' })
  })
})

describe('WebSocket', () => {
  const open = (path: string, options: ClientOptions = { headers }): WebSocket => {
    const { host, port } = workspace.tls
    const agent = new Agent(workspace.tls)
    return new WebSocket(`wss://${host}:${port}${path}`, { agent, ...options })
  }

  it('echoes text and bytes, and is recorded as an upgrade', async () => {
    const socket = open(`${PROXY}/ssh?id=1`)
    await once(socket, 'open')
    for (const message of ['hello', Buffer.from([0, 255, 128])]) {
      socket.send(message)
      const [echo, isBinary] = await once(socket, 'message')
      expect(echo).toEqual(Buffer.from(message))
      expect(isBinary).toBe(typeof message !== 'string')
    }
    socket.terminate()
    const expected = { isUpgrade: true, method: 'GET', target: `${PROXY}/ssh?id=1` }
    expect(workspace.newest()).toMatchObject({ ...expected, serverName: WORKSPACE })
  })

  it.each([
    ['without a credential', `${PROXY}/ssh`, {}, 401],
    ['with a wrong credential', `${PROXY}/ssh`, { headers: { authorization: 'Bearer x' } }, 403],
    ['on another path', '/api/2.0/clusters/list', { headers }, 404],
  ])('is refused %s', async (_name, path, options, status) => {
    const [, response] = await once(open(path, options), 'unexpected-response')
    expect(response.statusCode).toBe(status)
    expect(response.headers['x-databricks-org-id']).toBe('1234567890123456')
    expect(workspace.newest()).toMatchObject({ isUpgrade: true, target: path })
  })

  it('survives a broken frame', async () => {
    const socket = connect(workspace.tls)
    const upgrade = [
      `GET ${PROXY}/ssh HTTP/1.1`,
      `Host: ${WORKSPACE}`,
      `Authorization: ${headers.authorization}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    socket.write(`${upgrade.join('\r\n')}\r\n\r\n`)
    await once(socket, 'data')
    socket.on('error', () => socket.destroy())
    socket.resume().write(Buffer.from([0xff, 0xff, 0xff]))
    await vi.waitFor(() => expect(socket.closed).toBe(true))
    expect((await workspace.send('/api/2.0/clusters/list')).status).toBe(200)
  })

  it('leaves other upgrades unanswered: the request goes on as HTTP/1.1', async () => {
    const answer = await workspace.send('/api/2.0/clusters/list', {
      headers: { connection: 'Upgrade', upgrade: 'h2c' },
    })
    expect(answer.status).toBe(200)
    expect(workspace.newest().isUpgrade).toBe(false)
  })
})
