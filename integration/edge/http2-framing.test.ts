import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { describeHttp2 } from './edges.ts'
import { dataFrames, exchangeFrames, type Fields, headersFrames, PREFACE } from './http2-frames.ts'
import { HARMLESS_HTTP2, MALFORMED_HTTP2, replace } from './malformed-http2.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const STATEMENTS = '/api/2.0/sql/statements'

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

/** How the bytes of one request are cut into packets. */
const PACKETS: Readonly<Record<string, (headers: Buffer, body: Buffer) => readonly Buffer[]>> = {
  'in the packet of its headers': (headers, body) => [Buffer.concat([headers, body])],
  'in a packet of its own': (headers, body) => [headers, body],
  'partly in the packet of its headers': (headers, body) => {
    const cut = Math.ceil(body.length / 2)
    return [Buffer.concat([headers, body.subarray(0, cut)]), body.subarray(cut)]
  },
  'in three packets': (headers, body) => {
    const third = Math.ceil(body.length / 3)
    return [
      headers,
      body.subarray(0, third),
      body.subarray(third, 2 * third),
      body.subarray(2 * third),
    ]
  },
}

describeHttp2((edge) => {
  describe.each(Object.keys(PACKETS))('an HTTP/2 body arrives %s', (cut) => {
    it.each([
      [0, 3],
      [0, 1000],
      [0, 16_000],
      [0, 16_385],
      [0, 40_000],
      [300, 3],
      [300, 40_000],
    ])('an HTTP/2 body arrives %i ms later, of %i bytes', async (gapMs, size) => {
      const body = Buffer.from(`{"statement":"${'z'.repeat(size)}"}`).subarray(-size)
      const length = [['content-length', String(size)]] as const
      const headers = Buffer.concat([PREFACE, headersFrames(post(length), false)])
      const packets = PACKETS[cut]?.(headers, dataFrames(body)) ?? []
      const { ending } = await exchangeFrames(stack.listener('internal', edge), packets, gapMs)
      expect(ending).toBe('response')
      const [request, ...others] = await stack.upstreamRequests()
      expect(others).toEqual([])
      expect(request?.body).toMatchObject({
        bytes: size,
        sha256: createHash('sha256').update(body).digest('hex'),
        state: 'complete',
      })
      expect(valuesOf(request, 'x-forwarded-user')).toEqual(['alice'])
    })
  })

  it('an HTTP/2 body without a length arrives whole, and its trailers do not become headers', async () => {
    const trailers: Fields = [
      ['x-forwarded-user', 'forged'],
      ['x-brickgate-proof', 'forged'],
    ]
    const { ending } = await sendRequest(
      headersFrames(post(), false),
      dataFrames(Buffer.from('{"statement":"1"}'), false),
      headersFrames(trailers, true),
    )
    expect(ending).toBe('response')
    const [request] = await stack.upstreamRequests()
    expect(request?.body).toMatchObject({ bytes: 17, state: 'complete' })
    expect(JSON.stringify(request)).not.toContain('forged')
  })

  it.each(MALFORMED_HTTP2)('lighttpd refuses over HTTP/2 %s', async (_, change) => {
    const { ending, body } = await sendRequest(headersFrames(change(get(CLUSTERS)), true))
    expect(ending).toBe('response')
    expect(JSON.parse(body)).toEqual({
      error_code: expect.not.stringMatching(/^TEMPORARILY/), // which SDKs would repeat
      message: expect.stringMatching(/\(request id [0-9a-f]{32}\)$/),
    })
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it.each(HARMLESS_HTTP2)('lighttpd takes over HTTP/2 %s, to no effect', async (_, change) => {
    const { ending } = await sendRequest(headersFrames(change(get(CLUSTERS)), true))
    expect(ending).toBe('response')
    const [request, ...others] = await stack.upstreamRequests()
    expect(others).toEqual([])
    expect(request).toMatchObject({ method: 'GET', target: CLUSTERS, isUpgrade: false })
    expect(JSON.stringify(request)).not.toContain('forged')
  })

  it.each([
    [30_000, 'response', 1],
    [40_000, 'response', 0],
    [70_000, 'connection error', 0],
  ])('a header of %i bytes over HTTP/2: %s', async (size, ending, count) => {
    const big = [...get(CLUSTERS), ['x-big', 'a'.repeat(size)] as const]
    const answer = await sendRequest(headersFrames(big, true))
    expect(answer.ending).toBe(ending)
    if (ending === 'response' && count === 0) {
      expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'REQUEST_TOO_LARGE' })
    }
    expect(await stack.upstreamRequests()).toHaveLength(count)
  })

  function sendRequest(...frames: readonly Buffer[]) {
    return exchangeFrames(stack.listener('internal', edge), [Buffer.concat([PREFACE, ...frames])])
  }
})

function get(path: string): Fields {
  return [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', path],
    [':authority', 'localhost'],
    ['authorization', `Bearer ${alice}`],
  ]
}

function post(further: Fields = []): Fields {
  return [...replace(':method', 'POST')(get(STATEMENTS)), ...further]
}
