import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, openRaw, send, sendRaw } from '../harness/answer.ts'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, badRequest, readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { type AccessLine, accessLinesOf } from './access-log.ts'
import { EDGES } from './edges.ts'
import { MALFORMED_REQUESTS, OTHER_VERSIONS } from './malformed-requests.ts'
import { sendOnce } from './raw-client.ts'
import { requestText } from './requests.ts'

const STATEMENTS = '/api/2.0/sql/statements'

let stack: StackClient
let credential: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const admin = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
  credential = `Authorization: Bearer ${admin}`
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)('lighttpd $version', (edge) => {
  describe('refuses in native JSON, and logs why:', () => {
    const answers = new Map<string, Answer>()
    let logged: ReadonlyMap<string, AccessLine>

    beforeAll(async () => {
      await stack.forgetUpstreamRequests()
      for (const { what, bytes } of MALFORMED_REQUESTS) answers.set(what, await sendRequest(bytes))
      logged = await accessLinesOf(stack.info, edge, [...answers.values()].map(idOf))
    })

    it.each(MALFORMED_REQUESTS)(
      'lighttpd refuses in native JSON, and logs why: $what: $status',
      ({ what, status, errorCode, reason }) => {
        const answer = answers.get(what)
        if (answer === undefined) throw new Error('no answer')
        const hasRetryAfter = false
        expect(readRefusal(answer)).toEqual({ status, errorCode, challenge: null, hasRetryAfter })
        expect(logged.get(idOf(answer))).toMatchObject({ status, reason, tier: 'internal' })
        if (status === 405) expect(answer.headers.allow).toContain('GET')
      },
    )

    it('no request that lighttpd refuses reaches the sidecar or the workspace', async () => {
      const checked = auditLines(stack.info).filter(({ request_id: id }) => logged.has(String(id)))
      expect(checked).toEqual([])
      expect(await stack.upstreamRequests()).toEqual([])
    })
  })

  it.each(OTHER_VERSIONS)('lighttpd refuses %s in native JSON', async (version) => {
    const answer = await sendRequest(requestText('/', [credential]).replace('HTTP/1.1', version))
    const { status, errorCode } = readRefusal(answer)
    expect([
      [505, 'HTTP_VERSION_NOT_SUPPORTED'],
      [400, 'BAD_REQUEST'],
    ]).toContainEqual([status, errorCode])
    const logged = await accessLinesOf(stack.info, edge, [idOf(answer)])
    expect(logged.get(idOf(answer))?.['reason']).toMatch(/^bad-(version|request)$/)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('lighttpd refuses a HEAD without a body, but says how long it would be', async () => {
    const answer = await send(stack.listener('internal', edge), '/a%00b', { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 400, body: '' })
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0)
  })

  it.each([
    ['a size that is no number', 'zz\r\nabc\r\n0\r\n\r\n'],
    ['a size below the chunk', '3\r\nabcd\r\n0\r\n\r\n'],
    ['a size over 64 bits', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['lines that end in LF alone', '3\nabc\n0\n\n'],
    ['a negative size', '-1\r\nabc\r\n0\r\n\r\n'],
  ])('lighttpd refuses a body with %s', async (_, body) => {
    const chunked = requestText('/x', [credential, 'Transfer-Encoding: chunked'], 'POST')
    const answer = await sendRequest(chunked + body)
    expect(readRefusal(answer)).toMatchObject({ status: 400, errorCode: 'BAD_REQUEST' })
    const logged = await accessLinesOf(stack.info, edge, [idOf(answer)])
    expect(logged.get(idOf(answer))).toMatchObject({ reason: 'bad-request' })
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it.each([
    ['two equal fields', ['Transfer-Encoding: chunked', 'transfer-encoding: chunked']],
    ['upper case', ['Transfer-Encoding: CHUNKED']],
    ['a trailer', ['Transfer-Encoding: chunked', 'Trailer: X-Forwarded-User']],
  ])('lighttpd forwards a chunked body once, framed anew: %s', async (_, fields) => {
    const chunked = requestText(STATEMENTS, [credential, ...fields], 'POST')
    const answer = await sendRequest(`${chunked}3\r\nabc\r\n0\r\nX-Forwarded-User: forged\r\n\r\n`)
    expect(answer.headers['x-databricks-org-id']).toBe(stack.info.config.workspace.id)
    const requests = await stack.upstreamRequests()
    expect(requests).toMatchObject([{ method: 'POST', body: { bytes: 3, state: 'complete' } }])
    const framing = ['content-length', 'transfer-encoding', 'trailer'].map((name) =>
      valuesOf(requests[0], name).join(),
    )
    expect([',', '3,,', ',chunked,']).toContain(framing.join())
    expect(valuesOf(requests[0], 'x-forwarded-user')).toEqual(['admin'])
  })

  it.each([
    ['length', 'Content-Length:', ' 3', 'abc'],
    ['transfer coding', 'Transfer-Encoding:', '\tchunked', '3\r\nabc\r\n0\r\n\r\n'],
  ])(
    'lighttpd refuses a folded %s, or frames as if it were not folded',
    async (_, name, value, body) => {
      const folded = requestText(STATEMENTS, [credential, name, value], 'POST')
      const next = requestText('/api/2.1/clusters/list', [credential, 'Connection: close'])
      const answers = await sendRaw(stack.listener('internal', edge), folded + body + next)
      const requests = await stack.upstreamRequests()
      const statuses = answers.match(/HTTP\/1\.1 \d+/g)
      if (statuses?.length === 1) {
        expect(answers).toMatch(/^HTTP\/1\.1 (400|501) /)
        expect(requests).toEqual([])
      } else {
        expect(requests).toMatchObject([
          { method: 'POST', target: STATEMENTS, body: { bytes: 3, state: 'complete' } },
          { method: 'GET', target: '/api/2.1/clusters/list' },
        ])
        const sent = ['content-length', 'transfer-encoding'].map((one) =>
          valuesOf(requests[0], one),
        )
        expect([
          [['3'], []],
          [[], ['chunked']],
        ]).toContainEqual(sent)
      }
    },
  )

  it.each(['PROPFIND', 'QUERY', 'LINK', 'MKCOL', 'REPORT'])(
    'lighttpd leaves %s to the sidecar, which refuses it',
    async (method) => {
      const answer = await sendRequest(requestText('/x', [credential], method))
      expect(await auditedRefusal(stack, answer)).toEqual(badRequest('bad-request'))
    },
  )

  it.each(['h2c', 'TLS/1.2', 'websocket, h2c', 'WEBSOCKETS'])(
    'lighttpd passes no Upgrade to %s on',
    async (protocol) => {
      const upgrade = ['Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocol}`]
      const settings = 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'
      const answer = await sendRequest(
        requestText('/api/2.1/clusters/list', [credential, ...upgrade, settings]),
      )
      expect(answer.status).toBe(200)
      const [request] = await stack.upstreamRequests()
      expect(request).toMatchObject({ isUpgrade: false })
      expect(valuesOf(request, 'upgrade')).toEqual([])
      expect(valuesOf(request, 'http2-settings')).toEqual([])
    },
  )

  it('lighttpd never takes the body of a refused request for a request', async () => {
    const smuggled = requestText('/api/2.1/clusters/list', [credential])
    const refused = requestText('/x', [`Content-Length: ${smuggled.length}`], 'POST')
    const answers = await sendRaw(stack.listener('internal', edge), refused + smuggled + smuggled)
    expect(answers.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
    expect(answers).toMatch(/^HTTP\/1\.1 401 /)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  function sendRequest(bytes: string): Promise<Answer> {
    return sendOnce(() => openRaw(stack.listener('internal', edge)), bytes)
  }
})

function idOf(answer: Answer): string {
  return String(answer.headers['x-request-id'])
}
