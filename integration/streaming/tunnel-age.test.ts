import { once } from 'node:events'
import { Agent } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startOwnGate } from '../edge/own-gate.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { answered, open } from './bodies.ts'

const PROXY = '/driver-proxy-api/o/1234567890123456/0101-demo/8080'
const WINDOW_S = 3
/** the task of `egress/tunnels.lua` looks twice a second */
const LATE_MS = 3000

let stack: StackClient
let headers: { readonly authorization: string }

beforeAll(async () => {
  stack = stackClient(sharedStack())
  headers = { authorization: `Bearer ${await stack.mint({ sub: 'alice', groups: ['data-eng'] })}` }
})

afterAll(() => stack.close())

describe(`an egress whose tunnels may live for ${2 * WINDOW_S} s`, () => {
  let gate: Gate

  beforeAll(async () => {
    const [tested] = testedLighttpds()
    if (tested === undefined) throw new Error('there is no lighttpd')
    const environment = { BRICKGATE_TUNNEL_WINDOW_S: String(WINDOW_S) }
    gate = await startOwnGate(stack.info, { tested, environment, egress: 'own' })
  })

  afterAll(() => gate.stop())

  it('an egress with a limit on the age of tunnels ends a WebSocket that is in use at that age, and none before half of it', async () => {
    const startedMs = performance.now()
    const sockets = await Promise.all([talkingSocket(0), talkingSocket(1000), talkingSocket(2000)])
    const ages = await Promise.all(sockets.map((socket) => ageAtClose(socket)))
    for (const ageMs of ages) {
      expect(ageMs).toBeGreaterThan(WINDOW_S * 1000 - 100)
      expect(ageMs).toBeLessThan(2 * WINDOW_S * 1000 + LATE_MS)
    }
    expect(performance.now() - startedMs).toBeLessThan(3 * WINDOW_S * 1000 + LATE_MS)
  })

  it('an egress with a limit on the age of tunnels lets an ordinary request take longer', async () => {
    const path = `${PROXY}/poll?seconds=${2 * WINDOW_S + 2}`
    expect((await answered(open(gate.listener(), path, { headers }).end())).statusCode).toBe(200)
  })

  interface Talking {
    readonly socket: WebSocket
    readonly openedMs: number
  }

  async function talkingSocket(afterMs: number): Promise<Talking> {
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    const { port, ca } = gate.listener()
    const socket = new WebSocket(`wss://localhost:${port}${PROXY}/echo`, {
      agent: new Agent({ ca }),
      headers,
    })
    await once(socket, 'open')
    const timer = setInterval(() => socket.send('still here'), 200)
    socket.once('close', () => clearInterval(timer)).on('error', () => undefined)
    return { socket, openedMs: performance.now() }
  }

  async function ageAtClose({ socket, openedMs }: Talking): Promise<number> {
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
    return performance.now() - openedMs
  }
})
