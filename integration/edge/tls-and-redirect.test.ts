import { connect as connectHttp2 } from 'node:http2'
import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../launch/probe.ts'
import { type Answer, type Outgoing, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { EDGES, HTTP2_EDGES } from './edges.ts'
import { startOwnGate } from './own-gate.ts'
import { sendOnce } from './raw-client.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const TIERS = ['internal', 'external'] as const
const PROTOCOL_ALERT = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'
const HANDSHAKE_ALERT = /^ERR_SSL_.*ALERT_HANDSHAKE_FAILURE$/

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)('lighttpd $version', (edge) => {
  describe.each(TIERS)('on the %s tier', (tier) => {
    it.each(['TLSv1', 'TLSv1.1'] as const)('lighttpd refuses %s', async (version) => {
      const insecure = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
      await expect(handshake(insecure)).rejects.toMatchObject({ code: PROTOCOL_ALERT })
    })

    it.each([
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-ECDSA-AES128-SHA256',
      'ECDHE-ECDSA-AES256-SHA384',
      'AES128-GCM-SHA256',
      'AES128-SHA',
    ])('lighttpd refuses the suite %s: no AEAD, or no forward secrecy', async (ciphers) => {
      await expect(handshake({ maxVersion: 'TLSv1.2', ciphers })).rejects.toMatchObject({
        code: expect.stringMatching(HANDSHAKE_ALERT),
      })
    })

    it.each([
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
    ])('lighttpd takes TLS 1.2 with %s', async (ciphers) => {
      const { protocol, cipher } = await handshake({ maxVersion: 'TLSv1.2', ciphers })
      expect({ protocol, cipher }).toEqual({ protocol: 'TLSv1.2', cipher: ciphers })
    })

    it.each(['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'])(
      'lighttpd takes TLS 1.3 with %s',
      async (ciphers) => {
        const { protocol, cipher } = await handshake({ minVersion: 'TLSv1.3', ciphers })
        expect({ protocol, cipher }).toEqual({ protocol: 'TLSv1.3', cipher: ciphers })
      },
    )

    it('lighttpd offers HTTP/2 exactly where broken-off answers are broken off: from 1.4.83 on', async () => {
      const { alpn } = await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })
      expect(alpn).toBe(HTTP2_EDGES.includes(edge) ? 'h2' : 'http/1.1')
    })

    it('lighttpd says nothing to a client that does not speak TLS', async () => {
      const answer = sendPlain(edge[tier], 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await expect(answer).rejects.toThrow(/^no answer to/)
    })

    it('lighttpd has no HSTS on localhost, whose other ports a browser would cut off too', async () => {
      for (const answer of await answersOf((path, outgoing) =>
        send(stack.listener(tier, edge), path, outgoing),
      )) {
        expect(answer.headers['strict-transport-security']).toBeUndefined()
      }
    })

    function handshake(options: ConnectionOptions): Promise<Handshake> {
      return shakeHands(stack.listener(tier, edge), options)
    }
  })

  describe('over plain HTTP only sends to the public URL of the internal tier:', () => {
    it.each([
      ['the Host of another site', 'GET /x?y=z HTTP/1.1', ['Host: evil.example.com']],
      ['a Host with a port', 'GET /x?y=z HTTP/1.1', ['Host: localhost:1']],
      ['no Host', 'GET /x?y=z HTTP/1.0', []],
      [
        'an absolute target',
        'GET http://evil.example.com/x?y=z HTTP/1.1',
        ['Host: evil.example.com'],
      ],
      [
        'X-Forwarded-Host',
        'GET /x?y=z HTTP/1.1',
        ['Host: a', 'X-Forwarded-Host: evil.example.com'],
      ],
      ['a POST', 'POST /x?y=z HTTP/1.1', ['Host: a', 'Content-Length: 0']],
      ['a PUT with a body', 'PUT /x?y=z HTTP/1.1', ['Host: a', 'Content-Length: 3', '', 'abc']],
      [
        'an upgrade to HTTP/2',
        'GET /x?y=z HTTP/1.1',
        ['Host: a', 'Connection: Upgrade', 'Upgrade: h2c'],
      ],
      [
        'a WebSocket',
        'GET /x?y=z HTTP/1.1',
        ['Host: a', 'Connection: Upgrade', 'Upgrade: websocket'],
      ],
      ['a fragment', 'GET /x?y=z#//evil.example.com HTTP/1.1', ['Host: a']],
    ])(
      'lighttpd over plain HTTP only sends to the public URL of the internal tier: %s',
      async (_, line, fields) => {
        const answer = await sendRequest(line, fields)
        const { public_url: url } = stack.info.config.tiers.internal
        expect(answer).toMatchObject({
          status: 308,
          body: '',
          headers: { location: `${url}/x?y=z` },
        })
        expect(answer.headers['strict-transport-security']).toBeUndefined()
      },
    )

    it.each([...['/', CLUSTERS, '/_brickgate/whoami', '/_brickgate/callback?code=c&state=s']])(
      'over plain HTTP, %s with a token is not judged',
      async (path) => {
        const answer = await sendRequest(`GET ${path} HTTP/1.1`, [
          'Host: localhost',
          `Authorization: Bearer ${alice}`,
        ])
        const { public_url: url } = stack.info.config.tiers.internal
        expect(answer).toMatchObject({ status: 308, headers: { location: `${url}${path}` } })
        expect(await stack.upstreamRequests()).toEqual([])
      },
    )

    it.each([
      ...[
        '//evil.example.com',
        '/\\evil.example.com',
        '/%5cevil.example.com',
        '/..//evil',
        '/%2fevil',
      ],
      ...['/%0d%0aSet-Cookie:x', '/?%0d%0aSet-Cookie:x', '*', 'evil.example.com', '/a%00'],
    ])('lighttpd over plain HTTP redirects nowhere for the target %s', async (target) => {
      const answer = await sendRequest(`GET ${target} HTTP/1.1`, ['Host: a'])
      expect(readRefusal(answer)).toMatchObject({ status: 400, errorCode: 'BAD_REQUEST' })
      expect(answer.headers.location).toBeUndefined()
    })

    it('HTTP/2 without TLS gets no further than a redirect', async () => {
      const answer = await sendHttp2(edge.redirect)
      expect([308, null]).toContain(answer)
      expect(await stack.upstreamRequests()).toEqual([])
    })

    function sendRequest(line: string, fields: readonly string[]): Promise<Answer> {
      const end = fields.includes('') ? '' : '\r\n\r\n'
      return sendPlain(edge.redirect, [line, ...fields].join('\r\n') + end)
    }
  })
})

describe.each(testedLighttpds())(
  'with a public URL that is no localhost, lighttpd $version',
  (tested) => {
    const url = 'https://dbx.example.com'
    let gate: Gate
    let redirectPort: number

    beforeAll(async () => {
      redirectPort = await freePort()
      const environment = {
        BRICKGATE_INTERNAL_PUBLIC_URL: url,
        BRICKGATE_REDIRECT_LISTEN: `127.0.0.1:${redirectPort}`,
      }
      gate = await startOwnGate(stack.info, { tested, environment })
    })

    afterAll(() => gate.stop())

    it('with a public URL that is no localhost, lighttpd has HSTS on whatever it answers, but not on the tier that is localhost', async () => {
      for (const tier of TIERS) {
        const answers = await answersOf((path, outgoing) =>
          send(gate.listener(tier), path, outgoing),
        )
        const hsts = answers.map(({ headers }) => headers['strict-transport-security'])
        const expected = tier === 'internal' ? 'max-age=31536000' : undefined
        expect(hsts).toEqual(answers.map(() => expected))
      }
    })

    it('with a public URL that is no localhost, lighttpd redirects to that URL, and has no HSTS without TLS', async () => {
      const answer = await sendPlain(redirectPort, 'GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect(answer).toMatchObject({ status: 308, headers: { location: `${url}/x` } })
      expect(answer.headers['strict-transport-security']).toBeUndefined()
    })

    it('with a public URL that is no localhost, lighttpd tells the workspace that name, whatever Host the client names', async () => {
      const headers = { authorization: `Bearer ${alice}`, host: 'evil.example.com' }
      expect((await send(gate.listener(), CLUSTERS, { headers })).status).toBe(200)
      const [request] = await stack.upstreamRequests()
      const named = request?.headers.filter(([name]) => /^(x-)?(forwarded-)?host$/i.test(name))
      expect(named?.map(([, value]) => value).sort()).toEqual(
        [stack.info.config.workspace.host, 'dbx.example.com', 'dbx.example.com'].sort(),
      )
    })
  },
)

/** Answers of the workspace, of the sidecar, of our own pages and of the gate. */
async function answersOf(
  send: (path: string, outgoing?: Outgoing) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers = [
    await send(CLUSTERS, { headers: { authorization: `Bearer ${alice}` } }),
    await send(CLUSTERS),
    await send('/_brickgate/version', { headers: { authorization: `Bearer ${alice}` } }),
    await send('/a;b'),
    await send('/_Brickgate/version'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 400, 404])
  return answers
}

interface Handshake {
  readonly protocol: string | null
  readonly cipher: string
  readonly alpn: string | false | null
}

function shakeHands(
  { port, ca }: { port: number; ca: string },
  options: ConnectionOptions,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls(
      { host: '127.0.0.1', servername: 'localhost', port, ca, ...options },
      () => {
        const protocol = socket.getProtocol()
        resolve({ protocol, cipher: socket.getCipher().name, alpn: socket.alpnProtocol })
        socket.destroy()
      },
    )
    socket.once('error', reject)
  })
}

function sendPlain(port: number, bytes: string): Promise<Answer> {
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connectPlain(port, '127.0.0.1', () => resolve(socket)).once('error', reject)
    })
  return sendOnce(open, bytes)
}

/**
 * The status of a GET over HTTP/2 by prior knowledge, null when the other side does not speak it.
 */
function sendHttp2(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const finish = (status: number | null): void => {
      session.destroy()
      resolve(status)
    }
    session.on('error', () => finish(null))
    const stream = session.request({ ':path': CLUSTERS, authorization: `Bearer ${alice}` })
    stream.on('error', () => finish(null))
    stream.on('response', (headers) => finish(Number(headers[':status'])))
  })
}
