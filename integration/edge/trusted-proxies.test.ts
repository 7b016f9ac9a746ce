import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Listener, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { startOwnGate } from './own-gate.ts'
import { requestText } from './requests.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const POLL = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/poll?seconds=2'
/** In a network of trusted proxies, and not. */
const PROXY = '127.0.0.2'
const STRANGER = '127.0.1.1'
const TRUSTED = '127.0.0.2/32 10.1.0.0/16'
const CLIENT = '198.51.100.7'
const LIMIT = 5
/** Addresses of one /64. */
const SPELLINGS = [
  '2001:db8::1',
  '2001:DB8:0:0:ffff::2',
  '2001:0db8:0000:0000:0000:0000:0000:0003',
  '2001:db8::192.0.2.4',
]
const OF_OTHER_NETWORKS = ['2001:db8:0:1::1', '2001:db8:1::1', '2001:db7::1', '203.0.113.62']

let stack: StackClient
let credential: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const token = await stack.mint({ sub: 'alice', groups: ['analysts', 'data-eng'] })
  credential = `Bearer ${token}`
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(testedLighttpds())(
  'behind proxies that send X-Forwarded-For, lighttpd $version',
  (tested) => {
    let gate: Gate
    beforeAll(async () => {
      gate = await startOwnGate(stack.info, { tested, environment: proxies('x_forwarded_for') })
    })
    afterAll(() => gate.stop())

    it.each([
      ['the address that the proxy names', PROXY, CLIENT, CLIENT],
      ['the last address that is no proxy’s', PROXY, `203.0.113.1, ${CLIENT}, 10.1.2.3`, CLIENT],
      ['an IPv6 address', PROXY, '2001:db8::1', '2001:db8::1'],
      ['the proxy itself, when it names nobody', PROXY, undefined, PROXY],
      ['the proxy itself, when it names nonsense', PROXY, 'unknown', PROXY],
      ['whoever connects, when that is no proxy', STRANGER, CLIENT, STRANGER],
    ])(
      'behind proxies that send X-Forwarded-For, everybody sees %s',
      async (_what, localAddress, named, seen) => {
        const headers = named === undefined ? {} : { 'x-forwarded-for': named }
        const answer = await sendFrom(gate.listener(), { localAddress, headers })
        expect(answer.status).toBe(200)
        await expectSeen(seen, localAddress)
      },
    )

    it.each(['::ffff:192.0.2.1', '::FFFF:c000:0201', '0:0:0:0:0:ffff:192.0.2.1'])(
      'behind proxies that send X-Forwarded-For, a client cannot write an address before its own that a proxy writes as %s',
      async (mapped) => {
        const forged = await forwarded(CLUSTERS, `203.0.113.9, ${mapped}`)
        expect(readRefusal(forged).status).toBe(400)
        expect(await stack.upstreamRequests()).toEqual([])
        expect((await forwarded(CLUSTERS, mapped)).status).toBe(200)
        const headers = { 'x-forwarded-for': `203.0.113.9, ${mapped}` }
        const stranger = await sendFrom(gate.listener(), { localAddress: STRANGER, headers })
        expect(stranger.status).toBe(200)
      },
    )

    it('behind proxies that send X-Forwarded-For, a proxy cannot make of the request one without TLS, or of another host', async () => {
      const headers = {
        'x-forwarded-for': CLIENT,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'evil.example.com',
        forwarded: 'for=203.0.113.9;proto=http;host=evil.example.com',
      }
      expect((await sendFrom(gate.listener(), { localAddress: PROXY, headers })).status).toBe(200)
      const [request] = await stack.upstreamRequests()
      expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['https'])
      expect(valuesOf(request, 'x-forwarded-host').join()).not.toContain('evil')
      expect(valuesOf(request, 'forwarded')).toEqual([])
      await expectSeen(CLIENT, PROXY)
    })

    it('behind proxies that send X-Forwarded-For, the limit of connections is a client’s, not the proxy’s', async () => {
      const polls = Array.from({ length: LIMIT }, () => forwarded(POLL, '203.0.113.50'))
      await new Promise((resolve) => setTimeout(resolve, 1200)) // counted once a second
      expect((await forwarded(CLUSTERS, '203.0.113.50')).status).toBe(429)
      expect((await forwarded(CLUSTERS, '203.0.113.51')).status).toBe(200)
      expect((await sendFrom(gate.listener(), { localAddress: PROXY })).status).toBe(200)
      const ended = await Promise.all(polls)
      expect(ended.filter(({ status }) => status !== 200)).toEqual([])
    })

    it('behind proxies that send X-Forwarded-For, all addresses of an IPv6 /64 share the limit of connections, however they are written', async () => {
      const polls = Array.from({ length: LIMIT }, (_, at) =>
        forwarded(POLL, SPELLINGS[at % SPELLINGS.length] ?? ''),
      )
      await new Promise((resolve) => setTimeout(resolve, 1200)) // counted once a second
      expect(await statuses(SPELLINGS)).toEqual(SPELLINGS.map(() => 429))
      expect(await statuses(OF_OTHER_NETWORKS)).toEqual(OF_OTHER_NETWORKS.map(() => 200))
      const ended = await Promise.all(polls)
      expect(ended.filter(({ status }) => status !== 200)).toEqual([])
    })

    it('behind proxies that send X-Forwarded-For, connections that the proxy keeps are nobody’s too many', async () => {
      const kept = await Promise.all(Array.from({ length: LIMIT + 3 }, () => keptAfterRequest()))
      await new Promise((resolve) => setTimeout(resolve, 1200))
      expect((await sendFrom(gate.listener(), { localAddress: PROXY })).status).toBe(200)
      expect((await forwarded(CLUSTERS, CLIENT)).status).toBe(200)
      for (const socket of kept) socket.destroy()
    })

    async function statuses(clients: readonly string[]): Promise<readonly number[]> {
      const answers = await Promise.all(clients.map((client) => forwarded(CLUSTERS, client)))
      return answers.map(({ status }) => status)
    }

    function forwarded(path: string, client: string): Promise<Answer> {
      return sendFrom(gate.listener(), {
        localAddress: PROXY,
        path,
        headers: { 'x-forwarded-for': client },
      })
    }

    async function keptAfterRequest(): Promise<Socket> {
      const { port, ca } = gate.listener()
      const options = { host: '127.0.0.1', servername: 'localhost', port, ca, localAddress: PROXY }
      const socket = connectTls(options)
      await once(socket, 'secureConnect')
      const named = [`Authorization: ${credential}`, `X-Forwarded-For: ${CLIENT}`]
      socket.write(requestText(CLUSTERS, named))
      await once(socket, 'data')
      return socket
    }
  },
)

describe.each(testedLighttpds())(
  'behind proxies that speak PROXY protocol, lighttpd $version',
  (tested) => {
    let gate: Gate
    beforeAll(async () => {
      gate = await startOwnGate(stack.info, { tested, environment: proxies('proxy_protocol') })
    })
    afterAll(() => gate.stop())

    it('behind proxies that speak PROXY protocol, everybody sees the address of the preamble, and no header’s', async () => {
      const answer = await sendAfter(`PROXY TCP4 ${CLIENT} 192.0.2.1 40000 443\r\n`, PROXY)
      expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      await expectSeen(CLIENT)
    })

    it('behind proxies that speak PROXY protocol, a client in a proxy’s network is not believed what its header says', async () => {
      const answer = await sendAfter('PROXY TCP4 10.1.9.9 192.0.2.1 40000 443\r\n', PROXY)
      expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      await expectSeen('10.1.9.9')
    })

    it('behind proxies that speak PROXY protocol, an IPv4 address that is mapped into IPv6 shares the limit of the IPv4 address', async () => {
      const polls = Array.from({ length: LIMIT }, (_, at) => {
        const preamble = `PROXY TCP6 ::ffff:203.0.113.60 2001:db8::1 ${40_000 + at} 443\r\n`
        return sendAfter(preamble, PROXY, POLL)
      })
      await new Promise((resolve) => setTimeout(resolve, 1200)) // counted once a second
      const statusOf = async (address: string): Promise<string> =>
        (await sendAfter(`PROXY TCP4 ${address} 192.0.2.1 39999 443\r\n`, PROXY)).slice(9, 12)
      expect(await statusOf('203.0.113.60')).toBe('429')
      expect(await statusOf('203.0.113.61')).toBe('200')
      for (const answer of await Promise.all(polls)) expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    })

    it('behind proxies that speak PROXY protocol, the preamble of a stranger is no TLS, and ends the connection', async () => {
      const answer = await sendAfter(`PROXY TCP4 ${CLIENT} 192.0.2.1 40000 443\r\n`, STRANGER)
      expect(answer).toBe('')
      expect(await stack.upstreamRequests()).toEqual([])
    })

    it('behind proxies that speak PROXY protocol, a client that is no proxy connects without a preamble', async () => {
      expect((await sendFrom(gate.listener(), { localAddress: STRANGER })).status).toBe(200)
      await expectSeen(STRANGER)
    })

    /**
     * Sends a preamble and a request that names another client; resolves with the answer, if any.
     */
    async function sendAfter(
      preamble: string,
      localAddress: string,
      path = CLUSTERS,
    ): Promise<string> {
      const { port, ca } = gate.listener()
      const socket = connectTcp({ host: '127.0.0.1', port, localAddress })
      await once(socket, 'connect')
      socket.write(preamble)
      const secure = connectTls({ socket, servername: 'localhost', ca })
      const named = [
        'Connection: close',
        `Authorization: ${credential}`,
        'X-Forwarded-For: 203.0.113.9',
      ]
      secure.write(requestText(path, named))
      return buffer(secure).then(String, () => '')
    }
  },
)

function proxies(mode: string): Record<string, string> {
  return {
    BRICKGATE_TRUSTED_PROXIES: TRUSTED,
    BRICKGATE_PROXIES_MODE: mode,
    BRICKGATE_MAX_CONNECTIONS_PER_ADDRESS: String(LIMIT),
  }
}

function sendFrom(
  listener: Listener,
  {
    path = CLUSTERS,
    localAddress,
    headers = {},
  }: {
    readonly path?: string
    readonly localAddress: string
    readonly headers?: Readonly<Record<string, string>>
  },
): Promise<Answer> {
  return send(listener, path, { localAddress, headers: { authorization: credential, ...headers } })
}

/**
 * That the workspace and the audit log were told of this address, the former also of whose the
 * connection is.
 */
async function expectSeen(address: string, connected = address): Promise<void> {
  const [request] = await stack.upstreamRequests()
  const chain = address === connected ? address : `${address}, ${connected}`
  expect(valuesOf(request, 'x-forwarded-for')).toEqual([chain])
  const audited = await stack.auditOf(valuesOf(request, 'x-request-id').join())
  expect(audited['source_ip']).toBe(address)
}
