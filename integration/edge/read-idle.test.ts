import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { HTTP2_EDGES } from './edges.ts'
import { connectHttp2 } from './http2-client.ts'
import { startOwnGate } from './own-gate.ts'
import { requestText } from './requests.ts'

const READ_IDLE_S = 2
/** lighttpd looks once a second, and closes for good a little later */
const CLOSED_WITHIN_MS = (READ_IDLE_S + 6) * 1000
const SESSIONS = '/_brickgate/sessions'
const FILE = '/api/2.0/fs/files/Volumes/demo/slow'
const SOCKET = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/echo'
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket']
const LENGTH = 'Content-Length: 100'
const MISSING_BODY = ['Content-Type: application/json', LENGTH]

let stack: StackClient
let engineer: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
})

afterAll(() => stack.close())

describe.each(testedLighttpds())(
  `where clients may be silent for ${READ_IDLE_S} s, lighttpd $version`,
  (tested) => {
    const isHttp2 = HTTP2_EDGES.some(({ version }) => version === tested.version)
    let gate: Gate

    beforeAll(async () => {
      gate = await startOwnGate(stack.info, { tested, mutate: shortenReadIdle })
    })

    afterAll(() => gate.stop())

    it.each([
      ['its own pages', () => requestText(SESSIONS, [...UPGRADE, ...MISSING_BODY], 'POST')],
      [
        'an allowed upload',
        () => requestText(FILE, [`Authorization: Bearer ${engineer}`, ...UPGRADE, LENGTH], 'PUT'),
      ],
      ['headers that do not end', () => `GET ${SOCKET} HTTP/1.1\r\n${UPGRADE.join('\r\n')}\r\n`],
    ])(
      'with a limit of silence, lighttpd closes a silent connection that names WebSocket as its upgrade for %s',
      async (_, request) => {
        const socket = await openRaw(gate.listener())
        expect(await isClosedAfter(socket, request())).toBe(true)
      },
    )

    it('with a limit of silence, lighttpd closes a silent connection that names its request nearly as the gate names WebSockets', async () => {
      const socket = await openRaw(gate.listener())
      const forged = ['X_Brickgate_Upgrade: websocket', 'X-Brickgate-Upgrade-: websocket']
      const request = requestText(SESSIONS, [...forged, ...MISSING_BODY], 'POST')
      expect(await isClosedAfter(socket, request)).toBe(true)
    })

    it.each(['X-Brickgate-Upgrade: websocket', 'x-brickgate-UPGRADE: x'])(
      'with a limit of silence, lighttpd refuses %s at once, which the gate uses itself, and closes the connection',
      async (field) => {
        const socket = await openRaw(gate.listener())
        socket.write(requestText(SESSIONS, [field, ...MISSING_BODY], 'POST'))
        const [answer] = await once(socket, 'data')
        expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /)
        expect(await isClosedAfter(socket, '')).toBe(true)
      },
    )

    it('with a limit of silence, lighttpd leaves an allowed WebSocket open that is silent for longer', async () => {
      const { port, ca } = gate.listener()
      const headers = { authorization: `Bearer ${engineer}` }
      const url = `wss://localhost:${port}${SOCKET}`
      const socket = new WebSocket(url, { agent: new Agent({ ca }), headers })
      await once(socket, 'open')
      await pause((READ_IDLE_S + 3) * 1000)
      socket.send('still here')
      const [echo] = await once(socket, 'message')
      expect(String(echo)).toBe('still here')
      socket.terminate()
    })

    it.runIf(isHttp2)(
      'with a limit of silence, lighttpd leaves an allowed WebSocket over HTTP/2 open',
      async () => {
        const client = await connectHttp2(gate.listener())
        const stream = client.open(connecting(SOCKET, { authorization: `Bearer ${engineer}` }))
        await once(stream, 'response')
        await pause((READ_IDLE_S + 3) * 1000)
        expect(stream.closed).toBe(false)
        client.close()
      },
    )

    it.runIf(isHttp2)(
      "with a limit of silence, lighttpd closes a silent stream that asks the gate's own pages for one",
      async () => {
        const client = await connectHttp2(gate.listener())
        const stream = client.open(connecting(SESSIONS, {}))
        stream.on('error', () => undefined)
        await expect.poll(() => stream.closed, { timeout: CLOSED_WITHIN_MS }).toBe(true)
        client.close()
      },
    )
  },
)

function shortenReadIdle(folder: string): void {
  const file = join(folder, 'conf.d/limits.conf')
  const text = readFileSync(file, 'utf8')
  const shortened = text.replace(/^(server\.max-read-idle +=) 30 /m, `$1 ${READ_IDLE_S} `)
  expect(shortened).not.toBe(text)
  writeFileSync(file, shortened)
}

/** Whether the gateway closes a connection that says this and nothing more, within its time. */
async function isClosedAfter(socket: Duplex, bytes: string): Promise<boolean> {
  const timeout = setTimeout(() => socket.emit('late'), CLOSED_WITHIN_MS)
  socket.on('error', () => undefined).on('data', () => undefined)
  socket.write(bytes)
  const isClosed = await Promise.race([
    once(socket, 'close').then(() => true),
    once(socket, 'late').then(() => false),
  ])
  clearTimeout(timeout)
  socket.destroy()
  return isClosed
}

function connecting(path: string, fields: Readonly<Record<string, string>>) {
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': path,
    ':authority': 'localhost',
    'sec-websocket-version': '13',
    ...fields,
  }
}
