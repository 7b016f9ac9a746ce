import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendRaw } from '../harness/answer.ts'
import type { Gate } from '../harness/gate.ts'
import { connectHttp2 } from './http2-client.ts'
import { startOwnGate } from './own-gate.ts'
import { COMBINATIONS, type RawFixture, startRawFixture, stopRawFixture } from './raw-fixture.ts'
import { requestText } from './requests.ts'

const CLUSTERS = '/api/2.1/clusters/list'

/** Trailers that would do harm as headers, or change where an answer ends. */
const TRAILERS: readonly (readonly [name: string, value: string])[] = [
  ['X-Checksum', 'abc'],
  ['Content-Length', '0'],
  ['Set-Cookie', 'evil=1'],
  ['Transfer-Encoding', 'chunked'],
  ['Connection', 'close'],
  ['Content-Type', 'text/html'],
  ['Location', 'https://evil.example/'],
  ['X-Request-Id', 'evil'],
  ['X-Repeated', 'evil'],
  ['Alt-Svc', 'h3=":443"'],
]
const ROWS = TRAILERS.flatMap(([name, value]) => [
  [name, value, 'announced', 'at once'] as const,
  [name, value, 'unannounced', 'at once'] as const,
  [name, value, 'unannounced', 'later'] as const,
])
let fixture: RawFixture

beforeAll(async () => {
  fixture = await startRawFixture()
})

afterAll(() => stopRawFixture(fixture))

describe.each(COMBINATIONS)('lighttpd $of with HAProxy $by', ({ tested, haproxy, speaksHttp2 }) => {
  let gate: Gate
  let honest: readonly string[]

  beforeAll(async () => {
    const { settings } = fixture.workspace
    gate = await startOwnGate(fixture.stack.info, {
      tested,
      haproxy,
      egress: 'own',
      environment: settings,
    })
    answerWith('', 'unannounced', 'at once')
    honest = linesOf((await sendTwice())[0])
  })

  afterAll(() => gate.stop())

  it.each(ROWS)(
    'the trailer %s: %s, %s, sent %s, is no header, and the next answer is right',
    async (name, value, announced, when) => {
      answerWith(`${name}: ${value}\r\n`, announced, when)
      const [first, second] = await sendTwice()
      expect([first.body, second.body]).toEqual(['hello', 'hello'])
      expect([first.status, second.status]).toEqual([200, 200])
      expect(linesOf(first)).toEqual(honest)
      expect(linesOf(second)).toEqual(honest)
    },
  )

  it('many trailers at once are no headers', async () => {
    answerWith(TRAILERS.map((one) => `${one.join(': ')}\r\n`).join(''), 'announced', 'at once')
    const [first, second] = await sendTwice()
    expect([first.body, second.body]).toEqual(['hello', 'hello'])
    expect(linesOf(first)).toEqual(honest)
  })

  it.each(speaksHttp2 ? ROWS : [])(
    'over HTTP/2 the trailer %s: %s, %s, sent %s, is no header',
    async (name, value, announced, when) => {
      const client = await connectHttp2(gate.listener())
      const sendRequest = () =>
        client.sendRequest({ ':path': CLUSTERS, authorization: fixture.credential })
      answerWith('', 'unannounced', when)
      const { headers: honestly } = await sendRequest()
      answerWith(`${name}: ${value}\r\n`, announced, when)
      const { status, headers, body } = await sendRequest()
      client.close()
      expect({ status, body }).toEqual({ status: 200, body: 'hello' })
      expect({ ...headers, 'x-request-id': '', date: '' }).toEqual({
        ...honestly,
        'x-request-id': '',
        date: '',
      })
    },
  )

  it('the TE of a client goes no further', async () => {
    const before = fixture.workspace.requests.length
    answerWith('', 'unannounced', 'at once')
    await sendRaw(gate.listener(), request('TE: trailers', 'Connection: TE, close'))
    expect(fixture.workspace.requests.slice(before).join('')).toMatch(/^GET .*\r\n/)
    expect(fixture.workspace.requests.slice(before).join('')).not.toMatch(/^te:/im)
  })

  /** Two requests on one connection. */
  async function sendTwice(): Promise<readonly [RawAnswer, RawAnswer]> {
    const first = await sendRaw(gate.listener(), request() + request('Connection: close'))
    const answers = readAnswers(first)
    if (answers.length === 2) return answers as unknown as readonly [RawAnswer, RawAnswer]
    // the first one said that it closes
    expect(answers).toMatchObject([{ lines: expect.arrayContaining(['connection: close']) }])
    const again = readAnswers(await sendRaw(gate.listener(), request('Connection: close')))
    return [answers[0], again[0]] as readonly [RawAnswer, RawAnswer]
  }
})

function request(...fields: readonly string[]): string {
  return requestText(CLUSTERS, [`Authorization: ${fixture.credential}`, ...fields])
}

function answerWith(
  trailers: string,
  announced: 'announced' | 'unannounced',
  when: 'at once' | 'later',
): void {
  const names = [...trailers.matchAll(/^([\w-]+):/gm)].map(([, name]) => name).join(', ')
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain',
    'X-Repeated: a',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Transfer-Encoding: chunked',
    ...(announced === 'announced' ? [`Trailer: ${names}`] : []),
  ]
  const start = `${head.join('\r\n')}\r\n\r\n5\r\nhello\r\n`
  const end = `0\r\n${trailers}\r\n`
  fixture.workspace.answer = (socket) => {
    if (when === 'at once') socket.write(start + end, 'latin1')
    else {
      socket.write(start, 'latin1')
      setTimeout(() => socket.write(end, 'latin1'), 150)
    }
  }
}

interface RawAnswer {
  readonly status: number
  /** lines of its header section, with names in lower case */
  readonly lines: readonly string[]
  readonly body: string
}

/** Headers that every answer has, with or without a known length. */
function linesOf({ lines }: RawAnswer): readonly string[] {
  const ofOneAnswer =
    /^(x-request-id: [0-9a-f]{32}|content-length: 5|transfer-encoding: chunked|connection: close|date: .*)$/
  return lines.filter((line) => !ofOneAnswer.test(line)).toSorted()
}

/** @throws {Error} where a strict client would */
function readAnswers(text: string): readonly RawAnswer[] {
  const end = text.indexOf('\r\n\r\n')
  if (text === '') return []
  const [status = '', ...fields] = text.slice(0, end).split('\r\n')
  if (!/^HTTP\/1\.1 \d{3} /.test(status)) throw new Error(`no answer: ${JSON.stringify(text)}`)
  const lines = fields.map((line) => {
    if (/[\r\n]/.test(line) || !/^[\w-]+: /.test(line)) throw new Error(JSON.stringify(text))
    return line.replace(/^[^:]+/, (name) => name.toLowerCase())
  })
  const framing = lines.filter((line) => /^(content-length|transfer-encoding):/.test(line))
  expect([['content-length: 5'], ['transfer-encoding: chunked']]).toContainEqual(framing)
  const pattern =
    framing[0] === 'content-length: 5' ? /^.{5}/s : /^0*5\r\n(.{5})\r\n0\r\n(.+: .*\r\n)*\r\n/
  const rest = text.slice(end + 4)
  const match = pattern.exec(rest)
  if (match === null) throw new Error(`no body: ${JSON.stringify(text)}`)
  const body = match[1] ?? match[0]
  return [
    { status: Number(status.split(' ')[1]), lines, body },
    ...readAnswers(rest.slice(match[0].length)),
  ]
}
