import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRaw, sendRaw } from '../harness/answer.ts'
import { accessLines, auditLines, type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

/**
 * Requests that lighttpd or the gate rejects before the sidecar gets them. SECRET marks text that
 * no log may hold. Method, path, status and reason are those of the line in the log; '' where
 * lighttpd could not read that far.
 */
const ROWS = [
  ['GET /a/../b?SECRET HTTP/1.1', 'GET', '/a/../b', 400, 'bad-request'],
  ['GET /a//b?SECRET HTTP/1.1', 'GET', '/a//b', 400, 'bad-request'],
  ['GET /a%2Fb?SECRET HTTP/1.1', 'GET', '/a%2Fb', 400, 'bad-target'],
  ['GET /a?SECRET%0a HTTP/1.1', 'GET', '/a', 400, 'bad-request'],
  ['GET /a%ff?SECRET HTTP/1.1', 'GET', '/a%FF', 400, 'bad-request'],
  ['FETCH /a?SECRET HTTP/1.1', '', '-', 501, 'not-implemented'],
  ['GET /a;b?SECRET HTTP/1.1', 'GET', '/a;b', 400, 'bad-target'],
  ['GET /a%5Cb?SECRET HTTP/1.1', 'GET', '/a%5Cb', 400, 'bad-target'],
  ['GET /a/%252e%252e/b?SECRET HTTP/1.1', 'GET', '/a/%252e%252e/b', 400, 'bad-target'],
  ['TRACE /a?SECRET HTTP/1.1', 'TRACE', '/a', 405, 'method-not-allowed'],
  ['GET /_Brickgate/whoami?SECRET HTTP/1.1', 'GET', '/_Brickgate/whoami', 404, 'no-such-page'],
] as const

const HEAD = 'Host: localhost\r\nConnection: close\r\n'

let stack: StackClient
let secret: string
let decisions: number

beforeAll(() => {
  stack = stackClient(sharedStack())
  secret = randomUUID()
  decisions = auditLines(stack.info).length
})

afterAll(() => stack.close())

describe('has a line in the access log, with request id, path without query and reason', () => {
  it.concurrent.each(ROWS)(
    'a request refused early has a line in the access log: %s',
    async (...row) => {
      const [line, method, path, status, reason] = row
      const request = `${line.replace('SECRET', `code=${secret}`)}\r\n${HEAD}\r\n`
      const answer = await sendRaw(stack.listener(), request)

      expect(answer).toMatch(new RegExp(`^HTTP/1\\.[01] ${status} `))
      const logged = await lineOf(idOf(answer))
      expect(logged).toMatchObject({ status, reason, tier: 'internal', address: '127.0.0.1' })
      expect([logged['method'], logged['path']]).toEqual([method, path])
      expect(Object.keys(logged)).toEqual(FIELDS)
    },
  )

  it.concurrent('a request refused early has a line in the access log: GET /a?SECRET HTTP/3.7', async () => {
    const answer = await sendRaw(stack.listener(), `GET /a?code=${secret} HTTP/3.7\r\n${HEAD}\r\n`)
    const logged = await lineOf(idOf(answer))
    // lighttpd 1.4.79 takes it for malformed
    const reason = answer.includes(' 505 ') ? 'bad-version' : 'bad-request'
    expect(logged).toMatchObject({ status: reason === 'bad-version' ? 505 : 400, reason })
    expect(Object.keys(logged)).toEqual(FIELDS)
  })

  it.concurrent('a request refused early has a line in the access log: headers of 70 KB', async () => {
    const socket = await openRaw(stack.listener())
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    socket.on('error', () => undefined) // lighttpd closes while it is still being written to
    socket.write(`GET /a?code=${secret} HTTP/1.1\r\n${HEAD}X-Long: ${'a'.repeat(40_000)}`)
    await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1\.[01] 431 [^]*"REQUEST_TOO_LARGE"/))
    socket.destroy()
    const logged = await lineOf(idOf(answer))
    expect(logged).toMatchObject({ status: 431, reason: 'headers-too-large' })
  })

  it.concurrent('a request refused early has a line in the access log: a body of the responder that is too large', async () => {
    const body = 'x'.repeat(70_000)
    const outgoing = { method: 'POST', body }
    const answer = await stack.send(`/_brickgate/whoami?code=${secret}`, outgoing)
    expect(answer.status).toBe(413)
    expect(await lineOf(String(answer.headers['x-request-id']))).toMatchObject({
      status: 413,
      reason: 'body-too-large',
      path: '/_brickgate/whoami',
    })
  })
})

it('no request refused early reaches the sidecar, and no log of lighttpd holds the query', async () => {
  expect(auditLines(stack.info)).toHaveLength(decisions)
  await pause(100)
  for (const name of ['access', 'lighttpd', 'lighttpd-error', 'egress']) {
    expect(stackFile(stack.info, `logs/${name}.log`)).not.toContain(secret)
  }
})

const FIELDS = [
  'time',
  'request_id',
  'tier',
  'address',
  'protocol',
  'method',
  'path',
  'status',
  'reason',
  'duration_us',
  'bytes_in',
  'bytes_out',
  'connection',
]

function idOf(answer: string): string {
  return /^x-request-id: ([0-9a-f]{32})\r$/im.exec(answer)?.[1] ?? `no id in ${answer}`
}

/** lighttpd writes its access log some seconds late. */
function lineOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  return vi.waitFor(
    () => {
      const line = accessLines(stack.info).find((line) => line['request_id'] === id)
      if (line === undefined) throw new Error(`no line of ${id}`)
      return line
    },
    { timeout: 15_000, interval: 200 },
  )
}
