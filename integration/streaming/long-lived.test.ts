import { once } from 'node:events'
import { Agent } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'
import { answered, open } from './bodies.ts'

const PROXY = '/driver-proxy-api/o/1234567890123456/1122-334455-abcdefg1/7681'
/** More than lighttpd waits for an authorizer. */
const POLL_S = 13
const EVENTS = 5
/** of the simulator */
const EVENT_INTERVAL_MS = 200

let stack: StackClient
let engineer: string
let analyst: string
let expired: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
  analyst = await stack.mint({ sub: 'bob', groups: ['analysts'] })
  const iat = Math.floor(Date.now() / 1000) - 120
  expired = await stack.mint({ sub: 'alice', groups: ['data-eng'], iat, exp: iat + 60 })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

it(`a long poll of ${POLL_S} s is waited for`, async () => {
  const startedMs = performance.now()
  const answers = stack.info.edges.map((edge) => {
    const headers = { authorization: `Bearer ${engineer}` }
    const path = `${PROXY}/poll?seconds=${POLL_S}`
    return answered(open(stack.listener('internal', edge), path, { headers }).end())
  })
  const statuses = (await Promise.all(answers)).map(({ statusCode }) => statusCode)
  expect(statuses).toEqual(stack.info.edges.map(() => 200))
  expect(performance.now() - startedMs).toBeGreaterThan(POLL_S * 1000 - 50)
})

describe.each(sharedStack().edges)('through lighttpd $version', (edge) => {
  it('through lighttpd, server-sent events arrive one by one', async () => {
    const headers = { authorization: `Bearer ${analyst}`, 'content-type': 'application/json' }
    const path = '/serving-endpoints/gpt-4o.mini/invocations'
    const sent = open(stack.listener('internal', edge), path, { method: 'POST', headers })
    const answer = await answered(sent.end(JSON.stringify({ stream: true, max_tokens: EVENTS })))
    expect(answer.headers['content-type']).toBe('text/event-stream')
    const arrivals: (readonly [text: string, atMs: number])[] = []
    for await (const chunk of answer) arrivals.push([String(chunk), performance.now()])
    expect(arrivals.map(([text]) => text).join('')).toMatch(/word0[^]*word4[^]*\[DONE\]\n\n$/)
    expect(arrivals.length).toBeGreaterThan(EVENTS / 2) // a busy machine may join some
    const [, firstAtMs = 0] = arrivals[0] ?? []
    const [, lastAtMs = 0] = arrivals.at(-1) ?? []
    expect(lastAtMs - firstAtMs).toBeGreaterThan((EVENTS - 1) * EVENT_INTERVAL_MS * 0.8)
  })

  describe('a WebSocket', () => {
    it('a WebSocket echoes with a bearer', async () => {
      const socket = openWebSocket(edge, engineer)
      await once(socket, 'open')
      for (const message of [Buffer.from('hello'), Buffer.from([0, 255, 128]), Buffer.alloc(1e6)]) {
        socket.send(message)
        const [echo] = await once(socket, 'message')
        expect(message.equals(echo)).toBe(true)
      }
      socket.terminate()
      expect(await stack.upstreamRequests()).toMatchObject([{ isUpgrade: true, method: 'GET' }])
    })

    it.each([
      ['no credential', () => null, 401],
      ['an expired token', () => expired, 401],
      ['a token that may not', () => analyst, 403],
    ])(
      'a WebSocket is refused with %s, and the workspace hears nothing of it',
      async (_name, token, status) => {
        const socket = openWebSocket(edge, token())
        const [, response] = await once(socket, 'unexpected-response')
        expect(response.statusCode).toBe(status)
        expect(await stack.upstreamRequests()).toEqual([])
      },
    )
  })
})

function openWebSocket(edge: Edge, token: string | null): WebSocket {
  const { port, ca } = stack.listener('internal', edge)
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const agent = new Agent({ ca })
  return new WebSocket(`wss://localhost:${port}${PROXY}/ssh`, { agent, headers })
}
