import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRaw, sendRaw } from '../harness/answer.ts'
import type { Gate } from '../harness/gate.ts'
import { startOwnGate } from './own-gate.ts'
import { COMBINATIONS, type RawFixture, startRawFixture, stopRawFixture } from './raw-fixture.ts'
import { requestText } from './requests.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const INTERIM = [
  ['100 Continue', ''],
  ['102 Processing', 'X-Evil: 1\r\n'],
  ['103 Early Hints', 'Set-Cookie: __Host-brickgate=evil\r\n'],
  ['199 Whatever', 'X-Request-Id: evil\r\n'],
] as const
/** Below 3.2 interim answers pass: egress/haproxy.cfg has the reason. */
const REFUSING = COMBINATIONS.filter(({ by }) => Number.parseFloat(by) >= 3.2)
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]
/** RFC 6455 section 1.3: made from the key. */
const ACCEPT = 'ICX+Yqv66kxgM0FcWaLWlFLwTAI='
const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\n${[
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Accept: ${ACCEPT}`,
].join('\r\n')}\r\n\r\n`

let fixture: RawFixture

beforeAll(async () => {
  fixture = await startRawFixture()
})

afterAll(() => stopRawFixture(fixture))

describe.each(REFUSING)('lighttpd $of with HAProxy $by', ({ tested, haproxy }) => {
  let gate: Gate

  beforeAll(async () => {
    const environment = fixture.workspace.settings
    gate = await startOwnGate(fixture.stack.info, { tested, haproxy, egress: 'own', environment })
  })

  afterAll(() => gate.stop())

  it.each(INTERIM)('an interim answer %s reaches no client', async (status, fields) => {
    for (const pauseMs of [0, 100]) {
      answerWith([`HTTP/1.1 ${status}\r\n${fields}\r\n`, FINAL], pauseMs)
      const answer = await sendRequest()
      expect(answer).toMatch(/^HTTP\/1\.1 502 /)
      expect(answer).not.toMatch(/HTTP\/1\.1 1|evil/i)
    }
  })

  it('a switch of protocols passes', async () => {
    answerWith([`${SWITCHED}hello`], 0)
    const socket = await openRaw(gate.listener())
    let text = ''
    socket.setEncoding('latin1').on('data', (part: string) => (text += part))
    socket.write(request(...WEBSOCKET))
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 101 [^]*hello$/)
    socket.destroy()
  })

  it('a GET whose connection breaks before any answer is still sent again', async () => {
    const before = fixture.workspace.requests.length
    fixture.workspace.answer = (socket) => {
      if (fixture.workspace.requests.length - before > 1) socket.write(FINAL)
      else socket.destroy()
    }
    expect(await sendRequest()).toMatch(/^HTTP\/1\.1 200 [^]*ok$/)
    expect(fixture.workspace.requests.length - before).toBe(2)
  })

  function sendRequest(): Promise<string> {
    return sendRaw(gate.listener(), request('Connection: close'))
  }
})

function request(...fields: readonly string[]): string {
  return requestText(CLUSTERS, [`Authorization: ${fixture.credential}`, ...fields])
}

/** Has the workspace write these parts of an answer, one after the other. */
function answerWith(parts: readonly string[], pauseMs: number): void {
  fixture.workspace.answer = (socket) => {
    const [first = '', ...others] = parts
    socket.write(first)
    setTimeout(() => {
      for (const part of others) socket.write(part)
    }, pauseMs)
  }
}
