import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Listener, openRaw, send } from '../harness/answer.ts'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { type Refusal, readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'
import { accessLinesOf } from './access-log.ts'
import { EDGES, HTTP2_EDGES } from './edges.ts'
import { connectHttp2, type Http2Client } from './http2-client.ts'
import { startOwnGate } from './own-gate.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const GREEDY = '127.0.0.2'
const DRIPS = 500
const TIERS = ['internal', 'external'] as const
const TOO_MANY: Refusal = {
  status: 429,
  errorCode: 'RESOURCE_EXHAUSTED',
  challenge: null,
  hasRetryAfter: true,
}

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts', 'data-eng'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)(
  'while 500 slow connections of one address drip, lighttpd $version',
  (edge) => {
    let drips: readonly TLSSocket[]
    let timer: NodeJS.Timeout

    beforeAll(async () => {
      drips = await openDrips(edge)
      timer = setInterval(() => {
        for (const socket of drips) socket.write('a')
      }, 1000)
    })

    afterAll(() => {
      clearInterval(timer)
      for (const socket of drips) socket.destroy()
    })

    it('while 500 slow connections of an address drip, lighttpd serves other addresses as if they were not there', async () => {
      for (const localAddress of ['127.0.0.1', '127.0.0.3', '127.1.2.3']) {
        for (let count = 0; count < 20; count += 1) {
          const startedMs = performance.now()
          expect((await sendRequest(edge, localAddress)).status).toBe(200)
          expect(performance.now() - startedMs).toBeLessThan(2000)
        }
      }
      expect(drips.filter(({ destroyed }) => destroyed)).toEqual([])
    })

    it.each(TIERS)(
      'while 500 slow connections of an address drip, lighttpd refuses that address on the %s tier with 429, and asks nobody',
      async (tier) => {
        const answer = await sendRequest(edge, GREEDY, tier)
        expect(readRefusal(answer)).toEqual(TOO_MANY)
        expect(answer.body).not.toContain('429') // or SDKs would retry for minutes
        const id = String(answer.headers['x-request-id'])
        const logged = await accessLinesOf(stack.info, edge, [id])
        const line = { status: 429, reason: 'too-many-connections', tier, address: GREEDY }
        expect(logged.get(id)).toMatchObject(line)
        expect(auditLines(stack.info).filter(({ request_id }) => request_id === id)).toEqual([])
        expect(await stack.upstreamRequests()).toEqual([])
      },
    )

    it('while 500 slow connections of an address drip, lighttpd serves that address again when they are gone', async () => {
      clearInterval(timer)
      for (const socket of drips) socket.destroy()
      await expect
        .poll(async () => (await sendRequest(edge, GREEDY)).status, {
          timeout: 10_000,
          interval: 100,
        })
        .toBe(200)
    })
  },
)

describe.each(testedLighttpds().filter(({ version }) => speaksHttp2(version)))(
  'a limit of 5 connections an address of lighttpd $version',
  (tested) => {
    let gate: Gate
    let clients: readonly Http2Client[]
    let held: readonly TLSSocket[] = []

    beforeAll(async () => {
      const environment = { BRICKGATE_MAX_CONNECTIONS_PER_ADDRESS: '5' }
      gate = await startOwnGate(stack.info, { tested, environment })
      clients = await Promise.all(Array.from({ length: 4 }, () => connectHttp2(gate.listener())))
    })

    afterEach(() => {
      for (const socket of held) socket.destroy()
    })

    afterAll(async () => {
      for (const client of clients) client.close()
      await gate.stop()
    })

    it('the limit of connections an address counts connections, not streams', async () => {
      held = await hold(GREEDY) // so many that counting begins
      const poll = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/poll?seconds=0.5'
      const sending = clients.flatMap((client) =>
        Array.from({ length: 8 }, () => client.sendRequest({ ':path': poll, ...bearer() })),
      )
      expect((await Promise.all(sending)).map(({ status }) => status)).toEqual(
        sending.map(() => 200),
      )
    })

    it('the limit of connections an address counts HTTP/2 and HTTP/1.1 together', async () => {
      held = await hold()
      const [client] = clients
      await expect
        .poll(async () => (await client?.sendRequest({ ':path': CLUSTERS, ...bearer() }))?.status, {
          timeout: 5000, // they are counted once a second
        })
        .toBe(429)
    })

    function hold(localAddress?: string): Promise<readonly TLSSocket[]> {
      return Promise.all(Array.from({ length: 6 }, () => openDrip(gate.listener(), localAddress)))
    }
  },
)

function speaksHttp2(version: string): boolean {
  return HTTP2_EDGES.some((edge) => edge.version === version)
}

function bearer() {
  return { authorization: `Bearer ${alice}` }
}

function sendRequest(edge: Edge, localAddress: string, tier: 'internal' | 'external' = 'internal') {
  return send(stack.listener(tier, edge), CLUSTERS, { headers: bearer(), localAddress })
}

async function openDrips(edge: Edge): Promise<readonly TLSSocket[]> {
  const opened: TLSSocket[] = []
  while (opened.length < DRIPS) {
    const batch = Array.from({ length: 50 }, () =>
      openDrip(stack.listener('internal', edge), GREEDY),
    )
    opened.push(...(await Promise.all(batch)))
  }
  return opened
}

/** A connection whose first request never ends. */
async function openDrip(to: Listener, localAddress?: string): Promise<TLSSocket> {
  const socket = await openRaw(to, localAddress)
  socket.on('error', () => socket.destroy())
  socket.write('GET /x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  return socket
}
