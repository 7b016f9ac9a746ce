import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Answer } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden } from '../harness/refusals.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'

const STATEMENTS = '/api/2.0/sql/statements'
const CLUSTERS = '/api/2.1/clusters/list'
const SOCKET = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/echo'
const CROSS_SITE = forbidden('cross-site-request')

let stack: StackClient
let id: string
let sid: string
let ours: string
let othersTier: string

type Headers = Readonly<Record<string, string>>
type Choose = () => Headers

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const { tiers } = stack.info.config
  ours = tiers.internal.public_url
  othersTier = tiers.external.public_url
  const made = await makeSession(stack, { principal: { groups: ['analysts', 'data-eng'] } })
  id = made.id
  sid = made.sid
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  await stack.redis.del(`bg:session:${sid}`)
  stack.close()
})

const CROSS_SITE_HEADERS: readonly (readonly [string, Choose])[] = [
  ['nothing that says where it comes from', () => ({})],
  ['the Origin of another site', () => ({ origin: 'https://evil.example.com' })],
  ['an opaque Origin', () => ({ origin: 'null' })],
  ['an empty Origin', () => ({ origin: '' })],
  ['the Origin of the other tier', () => ({ origin: othersTier })],
  ['our Origin without TLS', () => ({ origin: ours.replace('https', 'http') })],
  ['our Origin on another port', () => ({ origin: ours.replace(/\d+$/, '1') })],
  ['our Origin with a slash', () => ({ origin: `${ours}/` })],
  ['our Origin as the start of another', () => ({ origin: `${ours}.evil.example.com` })],
  ['our Origin in a list', () => ({ origin: `${ours} https://evil.example.com` })],
  ['two Origins', () => ({ origin: `https://evil.example.com, ${ours}` })],
  ['a Referer of ours alone', () => ({ referer: `${ours}/` })],
  ['Sec-Fetch-Site same-site', () => ({ 'sec-fetch-site': 'same-site' })],
  ['Sec-Fetch-Site none', () => ({ 'sec-fetch-site': 'none' })],
  ['Sec-Fetch-Site cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
  [
    'a foreign Origin though Sec-Fetch-Site says same-origin',
    () => ({ origin: 'https://evil.example.com', 'sec-fetch-site': 'same-origin' }),
  ],
]

const SAME_SITE_HEADERS: readonly (readonly [string, Choose])[] = [
  ['our Origin', () => ({ origin: ours })],
  ['Sec-Fetch-Site same-origin and no Origin', () => ({ 'sec-fetch-site': 'same-origin' })],
]

describe('a POST with our cookie', () => {
  it.each(CROSS_SITE_HEADERS)('a POST with our cookie is refused with %s', async (_, choose) => {
    const answer = await sendCookie('POST', STATEMENTS, choose())
    expect(await auditedRefusal(stack, answer)).toEqual(CROSS_SITE)
  })

  it.each(SAME_SITE_HEADERS)('a POST with our cookie passes with %s', async (_, choose) => {
    await sendCookie('POST', STATEMENTS, choose())
    expect(await stack.upstreamRequests()).toMatchObject([{ method: 'POST', target: STATEMENTS }])
  })
})

describe('a WebSocket upgrade with our cookie', () => {
  it.each(CROSS_SITE_HEADERS)(
    'a WebSocket upgrade with our cookie is refused with %s',
    async (_, choose) => {
      const answer = await openSocket({ cookie: cookie(), ...choose() })
      expect(await auditedRefusal(stack, answer)).toEqual(CROSS_SITE)
    },
  )

  it.each(SAME_SITE_HEADERS)(
    'a WebSocket upgrade with our cookie passes with %s',
    async (_, choose) => {
      expect((await openSocket({ cookie: cookie(), ...choose() })).status).toBe(101)
      expect(await stack.upstreamRequests()).toMatchObject([{ isUpgrade: true, target: SOCKET }])
    },
  )
})

/** lighttpd speaks HTTP/2 from 1.4.83 on; there a WebSocket is asked for by CONNECT (RFC 8441). */
const HTTP2_EDGES = sharedStack().edges.filter(({ version }) => version > '1.4.82')

describe.each(HTTP2_EDGES)(
  'a WebSocket over HTTP/2 of lighttpd $version with our cookie',
  (edge) => {
    it.each(CROSS_SITE_HEADERS)(
      'a WebSocket over HTTP/2 with our cookie is refused with %s',
      async (_, choose) => {
        const answer = await connectSocket(edge, { cookie: cookie(), ...choose() })
        expect(await auditedRefusal(stack, answer)).toEqual(CROSS_SITE)
      },
    )

    it.each(SAME_SITE_HEADERS)(
      'a WebSocket over HTTP/2 with our cookie passes with %s',
      async (_, choose) => {
        expect((await connectSocket(edge, { cookie: cookie(), ...choose() })).status).toBe(200)
        expect(await stack.upstreamRequests()).toMatchObject([{ isUpgrade: true, target: SOCKET }])
      },
    )
  },
)

describe('without an Origin', () => {
  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'without an Origin, %s with our cookie is refused',
    async (method) => {
      const answer = await sendCookie(method, STATEMENTS, {})
      expect(await auditedRefusal(stack, answer)).toEqual(CROSS_SITE)
    },
  )

  it.each(['GET', 'HEAD'])(
    'without an Origin, %s with our cookie passes: its answer stays unread',
    async (method) => {
      await sendCookie(method, CLUSTERS, {})
      expect(await stack.upstreamRequests()).toMatchObject([{ method, target: CLUSTERS }])
    },
  )

  it('without an Origin, a session as bearer passes, for no browser sends one by itself', async () => {
    const headers = { authorization: `Bearer ${id}` }

    await stack.send(STATEMENTS, { method: 'POST', headers })
    expect(await stack.upstreamRequests()).toMatchObject([{ method: 'POST', target: STATEMENTS }])
    expect((await openSocket(headers)).status).toBe(101)
  })
})

function cookie(): string {
  return `__Host-brickgate=${id}`
}

function sendCookie(method: string, path: string, headers: Headers): Promise<Answer> {
  return stack.send(path, { method, headers: { cookie: cookie(), ...headers } })
}

/**
 * Asks for a WebSocket.
 *
 * @returns the refusal, or a 101 without anything more
 */
function openSocket(headers: Headers): Promise<Answer> {
  const { port, ca } = stack.listener()
  const socket = new WebSocket(`wss://localhost:${port}${SOCKET}`, { ca, headers: { ...headers } })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => {
      socket.terminate()
      resolve({ status: 101, headers: {}, body: '' })
    })
    socket.once('unexpected-response', (request, response) => {
      readAnswer(response)
        .finally(() => request.destroy())
        .then(resolve, reject)
    })
  })
}

/** Asks for a WebSocket by an extended CONNECT. */
async function connectSocket(edge: Edge, headers: Headers): Promise<Answer> {
  const { port, ca } = stack.listener('internal', edge)
  const session = connect(`https://localhost:${port}`, { ca })
  try {
    await once(session, 'remoteSettings') // says that CONNECT may name a protocol
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': SOCKET,
      'sec-websocket-version': '13',
      ...headers,
    })
    const [fields] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    const status = Number(fields[':status'])
    const body = status === 200 ? '' : (await buffer(stream)).toString('utf8')
    return { status, headers: fields, body }
  } finally {
    session.destroy()
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const body = await buffer(response)
  const { statusCode = 0, headers } = response
  return { status: statusCode, headers, body: body.toString('utf8') }
}
