import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decodeReplies } from '../../sidecar/test/fcgi/decode-fixture.ts'
import {
  authorizerRequest,
  beginRequest,
  encodePairs,
  paramsRecords,
  ROLE,
  record,
  TYPE,
} from '../../sidecar/test/fcgi/encode-fixture.ts'
import { connect, exchange } from '../../sidecar/test/fcgi/server-fixture.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sidecarLog, socketPath, workersOf } from '../harness/processes.ts'
import { sharedStack } from '../harness/shared-stack.ts'

let stack: StackClient
let token: string
let workers: readonly number[]

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  workers = pids()
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

const MAX_PARAMS_BYTES = 96 * 1024

/** Bytes that no lighttpd sends, and the kind that counts them; null for no error. */
const ROWS: readonly (readonly [name: string, kind: string | null, bytes: () => Buffer])[] = [
  ['an HTTP request', 'bad-version', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a record of version 2', 'bad-version', () => record(TYPE.PARAMS, '', { version: 2 })],
  ['zeros', 'bad-version', () => Buffer.alloc(64)],
  ['a BEGIN_REQUEST that is too short', 'bad-record', () => record(TYPE.BEGIN_REQUEST, '\0\x02\0')],
  ['PARAMS before BEGIN_REQUEST', 'unexpected-record', () => paramsRecords(allowed())],
  [
    'END_REQUEST from the client',
    'unexpected-record',
    () => record(TYPE.END_REQUEST, '\0'.repeat(8)),
  ],
  ['STDOUT from the client', 'unexpected-record', () => record(TYPE.STDOUT, 'Status: 200\r\n\r\n')],
  ['a record of unknown type', 'unexpected-record', () => record(99, 'x')],
  [
    'PARAMS of another request',
    'unexpected-record',
    () => concat(beginRequest(), paramsRecords(allowed(), { id: 2 })),
  ],
  ['a second BEGIN_REQUEST', 'multiplexed', () => concat(beginRequest(), beginRequest({ id: 2 }))],
  [
    'the role of a responder',
    'unknown-role',
    () => authorizerRequest(allowed(), { role: ROLE.RESPONDER }),
  ],
  [
    'the role of a filter',
    'unknown-role',
    () => authorizerRequest(allowed(), { role: ROLE.FILTER }),
  ],
  [
    'a pair that is cut off',
    'malformed-params',
    () => authorizerRequest(encodePairs(allowed()).subarray(0, -3)),
  ],
  [
    'a pair of 2 GiB',
    'malformed-params',
    () => authorizerRequest(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 65])),
  ],
  [
    'params over the bound',
    'params-too-large',
    () => authorizerRequest([...allowed(), ['A', 'a'.repeat(MAX_PARAMS_BYTES)]]),
  ],
  ['a header that is cut off', 'ended-early', () => Buffer.from([1, 1, 0])],
  [
    'a request without the end of its params',
    'ended-early',
    () => authorizerRequest(allowed()).subarray(0, -8),
  ],
  ['nothing at all', null, () => Buffer.alloc(0)],
  ['a management record of unknown type', null, () => record(99, '', { id: 0 })],
  ['an aborted request', null, () => concat(beginRequest(), record(TYPE.ABORT_REQUEST))],
]

describe('a breach of FastCGI on the socket of the authorizer gets no reply, is counted and logged', () => {
  it.each(ROWS)(
    'a breach of FastCGI on the socket of the authorizer gets no reply, is counted and logged: %s: %s',
    async (_name, kind, bytes) => {
      const before = await errors(kind)
      const logged = loggedKinds().length

      const received = await exchange(authorizerSocket(), bytes())

      expect(decodeReplies(received)).toEqual([])
      expect(await errors(kind)).toBe(kind === null ? 0 : before + 1)
      await expect.poll(() => loggedKinds().slice(logged)).toEqual(kind === null ? [] : [kind])
      expect(pids()).toEqual(workers)
    },
  )

  it('a breach of FastCGI on the socket of the authorizer gets no reply, is counted and logged: a client that goes away amid its request is counted too', async () => {
    const before = await errors('ended-early')
    const client = connect(authorizerSocket())
    client.socket.write(authorizerRequest(allowed()).subarray(0, 30))
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.socket.destroy()
    await expect.poll(() => errors('ended-early')).toBe(before + 1)
  })
})

describe('params that are well formed, and say what no gate says, are refused', () => {
  it.each([
    ['nothing', []],
    ['a target twice', [...allowed(), ['BRICKGATE_TARGET', '/api/2.1/clusters/list']]],
    ['a credential twice', [...allowed(), ['HTTP_AUTHORIZATION', 'Bearer x']]],
    ['no request id', allowed().filter(([name]) => name !== 'BRICKGATE_REQUEST_ID')],
    ['no target', allowed().filter(([name]) => name !== 'BRICKGATE_TARGET')],
    ['no target but a REQUEST_URI', rename('BRICKGATE_TARGET', 'REQUEST_URI')],
    ['a credential that is no UTF-8', [...allowed().slice(0, -1), ['HTTP_AUTHORIZATION', '\xff']]],
  ] as const)(
    'params that are well formed, and say what no gate says, are refused: %s',
    async (_name, pairs) => {
      const received = await exchange(authorizerSocket(), authorizerRequest(pairs))
      const [reply, ...others] = decodeReplies(received)
      expect(others).toEqual([])
      expect(reply?.status).toBe(400)
      expect(reply?.headers.join()).not.toMatch(/variable-/i)
    },
  )
})

it('random bytes never get what lighttpd would read as an allow, and end no worker', async () => {
  const valid = authorizerRequest(allowed())
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(valid)
    for (const [index, value] of randomBytes(6).entries()) {
      bytes[(value * 7 + index * 131) % bytes.length] = value
    }
    const cut = bytes.subarray(0, round % 2 === 0 ? bytes.length : (round * 37) % bytes.length)
    const received = await exchange(authorizerSocket(), round % 10 === 0 ? randomBytes(64) : cut)
    // a change that leaves the request as good as it was is allowed, with the whole of a reply
    for (const reply of decodeReplies(received)) {
      if (reply.status !== 200) expect(reply.headers.join()).not.toMatch(/variable-/i)
      else expect(reply.headers.join()).toContain('Variable-BRICKGATE_PROOF')
    }
  }
  expect(pids()).toEqual(workers)
  expect((await stack.sendAs(token, '/api/2.1/clusters/list')).status).toBe(200)
})

function allowed(): [string, string][] {
  return [
    ['BRICKGATE_TARGET', '/api/2.1/clusters/list'],
    ['BRICKGATE_METHOD', 'GET'],
    ['BRICKGATE_REQUEST_ID', 'a'.repeat(32)],
    ['REMOTE_ADDR', '127.0.0.1'],
    ['HTTP_AUTHORIZATION', `Bearer ${token}`],
  ]
}

function rename(from: string, to: string): [string, string][] {
  return allowed().map(([name, value]) => [name === from ? to : name, value])
}

function concat(...buffers: Buffer[]): Buffer {
  return Buffer.concat(buffers)
}

function authorizerSocket(): string {
  return socketPath(stack.info, 'authorizer-internal-0')
}

function pids(): readonly number[] {
  return workersOf(stack.info, 'authorizer').map(({ pid }) => pid)
}

async function errors(kind: string | null): Promise<number> {
  const name = `brickgate_fastcgi_protocol_errors_total{kind="${kind}"}`
  return (await stack.metrics()).get(name) ?? 0
}

function loggedKinds(): unknown[] {
  const lines = sidecarLog(stack.info)
  return lines.filter((line) => line.msg.includes('fastcgi')).map((line) => line['kind'])
}
