import { deepEqual, equal, match } from 'node:assert/strict'
import { OTHER_COOKIES, OUR_COOKIES } from '../edge/cookies-of-answers.ts'
import { replies, sends } from '../fail-closed/misbehaviours.ts'
import { readRefusal } from '../harness/refusals.ts'
import { type Check, egressAnswer, sendRequest } from './check.ts'
import type { GateFixture } from './gate-fixture.ts'

const SQL = '/sql/1.0/warehouses/abc'
const HEADER = 'x-thriftserver-error-message'

async function headersOf(gate: GateFixture, fields: readonly string[]) {
  gate.egress.answer = egressAnswer(200, fields)
  const { status, body, headers } = await sendRequest(gate)
  deepEqual([status, body], [200, 'ok'])
  return headers
}

const passesAnswers: Check = async (gate) => {
  const removed = [
    'Alt-Svc',
    'Clear-Site-Data',
    'Trailer',
    'Variable-X',
    'Strict-Transport-Security',
  ]
  const headers = await headersOf(gate, [...removed.map((name) => `${name}: forged`), 'ETag: 1'])
  equal(headers.etag, '1')
  for (const name of ['X-Brickgate-Egress', ...removed])
    equal(headers[name.toLowerCase()], undefined)
  match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
  equal((await headersOf(gate, ['X-Request-Id: theirs']))['x-request-id'], 'theirs')
  const cookies = [...OUR_COOKIES, ...OTHER_COOKIES, ...OUR_COOKIES].map(
    (one) => `Set-Cookie: ${one}`,
  )
  deepEqual((await headersOf(gate, cookies))['set-cookie'], OTHER_COOKIES)
  for (const cookie of OUR_COOKIES) {
    equal((await headersOf(gate, [`Set-Cookie: ${cookie}`]))['set-cookie'], undefined)
  }
  for (const status of [201, 400, 401, 404, 429, 500, 502, 503, 504]) {
    gate.egress.answer = egressAnswer(status, ['Content-Type: text/html'], '<p>theirs</p>')
    const answer = await sendRequest(gate, [], { target: SQL })
    deepEqual(
      [answer.status, answer.body, answer.headers[HEADER]],
      [status, '<p>theirs</p>', undefined],
    )
  }
  const external = await sendRequest(gate, [], { tier: 'external' })
  equal(external.headers['strict-transport-security'], 'max-age=31536000')
  gate.egress.received = []
}

const FAILURES = [
  [500, 'the gateway failed'],
  [502, 'the workspace gave no usable answer'],
  [503, 'the workspace is not available for the moment'],
  [504, 'the workspace did not answer in time'],
] as const

const namesFailures: Check = async (gate) => {
  for (const [status, message] of FAILURES) {
    gate.egress.answer = egressAnswer(status).replace('answered', 'failed')
    const answer = await sendRequest(gate, [], { target: SQL })
    equal(answer.status, status)
    match(String(answer.headers[HEADER]), new RegExp(`^${message} \\(request id [0-9a-f]{32}\\)$`))
    equal((await sendRequest(gate)).headers[HEADER], undefined)
  }
  gate.egress.answer = egressAnswer(404).replace('answered', 'failed')
  equal((await sendRequest(gate, [], { target: SQL })).headers[HEADER], undefined)
  for (const [target, has] of [
    [`${SQL};x`, true],
    ['/sql/1.0/../x', true],
    ['/sqlx/1;x', false],
    ['/api/x;y', false],
  ] as const) {
    const answer = await sendRequest(gate, [], { target })
    equal(readRefusal(answer).status, 400)
    equal(answer.headers[HEADER], has ? JSON.parse(answer.body).message : undefined)
  }
  gate.egress.received = []
}

/** lighttpd's answers for a failing egress; the reasons are the access log's. */
const replacesFailures: Check = async (gate) => {
  const rows = [
    [200, 502, 'egress-unavailable'],
    [400, 400, 'bad-request'],
    [404, 404, 'bad-request'],
    [413, 413, 'body-too-large'],
    [499, 499, 'bad-request'],
    [500, 502, 'egress-unavailable'],
    [502, 502, 'egress-unavailable'],
    [503, 503, 'egress-unavailable'],
    [504, 504, 'egress-unavailable'],
    [505, 502, 'egress-unavailable'],
  ] as const
  for (const [status, expected, reason] of rows) {
    gate.egress.answer = egressAnswer(status, ['X-Theirs: 1']).replace(
      /X-Brickgate-Egress.*\r\n/,
      '',
    )
    const answer = await sendRequest(gate)
    deepEqual([status, readRefusal(answer).status], [status, expected])
    equal(answer.headers['retry-after'], [503, 504].includes(expected) ? '5' : undefined)
    equal(answer.headers['x-theirs'], undefined)
    gate.reasons.set(String(answer.headers['x-request-id']), reason)
  }
  gate.egress.answer = 'garbage\r\n\r\n'
  equal(readRefusal(await sendRequest(gate)).status, 502)
  gate.egress.received = []
}

const replacesPages: Check = async (gate) => {
  const page = (reply: string) => {
    gate.responder.behave = replies(reply)
    return sendRequest(gate, [], { target: '/_brickgate/whoami' })
  }
  for (const reply of [
    'Status: 200\r\nContent-Type: text/html\r\n\r\npage',
    'Status: 404\r\nContent-Type: application/json\r\n\r\npage',
    'Status: 503\r\nContent-Type: application/json\r\n\r\npage',
    'Status: 399\r\n\r\npage',
  ]) {
    const answer = await page(reply)
    deepEqual([answer.status, answer.body], [Number(reply.slice(8, 11)), 'page'])
  }
  const rows = [
    [400, 400, 'bad-request'],
    [404, 404, 'responder-refused'],
    [413, 413, 'body-too-large'],
    [500, 503, 'responder-unavailable'],
    [502, 503, 'responder-unavailable'],
    [504, 503, 'responder-timeout'],
  ] as const
  for (const [status, expected, reason] of rows) {
    const answer = await page(`Status: ${status}\r\nContent-Type: text/html\r\n\r\npage`)
    deepEqual([status, readRefusal(answer).status], [status, expected])
    gate.reasons.set(String(answer.headers['x-request-id']), reason)
  }
  gate.responder.behave = sends()
  const answer = await sendRequest(gate, [], { target: '/_brickgate/whoami' })
  equal(readRefusal(answer).status, 503)
  gate.internal.behave = replies('Status: 504\r\nContent-Type: text/html\r\n\r\npage')
  const late = await sendRequest(gate)
  equal(readRefusal(late).status, 503)
  gate.reasons.set(String(late.headers['x-request-id']), 'authorizer-timeout')
}

const announcesClose: Check = async (gate) => {
  gate.internal.behave = replies('Status: 403\r\nContent-Type: application/json\r\n\r\n{}')
  const post = (fields: readonly string[], body = '') =>
    sendRequest(gate, fields, { method: 'POST', body })
  equal((await post(['Content-Length: 0'])).headers.connection, undefined)
  equal((await post(['Content-Length: 100000'], 'x'.repeat(1000))).headers.connection, 'close')
}

const TRAILERS = [
  'X-Checksum: abc',
  'Content-Length: 0',
  'Set-Cookie: evil=1',
  'X-Repeated: evil',
  'Alt-Svc: x',
]

const removesTrailers: Check = async (gate) => {
  const chunked = (trailers: readonly string[]) => {
    const fields = [
      'X-Repeated: a',
      'X-Repeated: b',
      'Transfer-Encoding: chunked',
      'Connection: close',
    ]
    const head = ['HTTP/1.1 200 OK', 'X-Brickgate-Egress: answered', ...fields].join('\r\n')
    gate.egress.answer = `${head}\r\n\r\n5\r\nhello\r\n0\r\n${trailers.map((one) => `${one}\r\n`).join('')}\r\n`
    return sendRequest(gate)
  }
  const plain = ({ headers }: { readonly headers: object }) =>
    Object.fromEntries(
      Object.entries(headers).filter(
        ([name]) =>
          !/^(?:x-request-id|date|connection|content-length|transfer-encoding)$/.test(name),
      ),
    )
  const honest = await chunked([])
  equal(honest.body, 'hello')
  for (const trailers of [...TRAILERS.map((one) => [one]), TRAILERS]) {
    const answer = await chunked(trailers)
    deepEqual([answer.status, answer.body, plain(answer)], [200, 'hello', plain(honest)])
  }
  gate.egress.received = []
}

export const ANSWER_CHECKS: readonly Check[] = [
  passesAnswers,
  namesFailures,
  replacesFailures,
  replacesPages,
  announcesClose,
  removesTrailers,
]
