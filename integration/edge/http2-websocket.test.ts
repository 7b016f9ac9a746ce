import { once } from 'node:events'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden, readRefusal, unauthorized } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'
import { describeHttp2 } from './edges.ts'
import { connectHttp2, type Http2Client } from './http2-client.ts'

const SOCKET = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/echo?x=1'
const [SOCKET_PATH = ''] = SOCKET.split('?')
const UNPERMITTED = forbidden('no-policy-permits', 'insufficient_scope')
const WAIT = { timeout: 5000 }

let stack: StackClient
let alice: string
let bob: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts', 'data-eng'] })
  bob = await stack.mint({ sub: 'bob', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describeHttp2((edge) => {
  describe('a WebSocket by an extended CONNECT (RFC 8441)', () => {
    let client: Http2Client

    beforeAll(async () => {
      client = await connectHttp2(stack.listener('internal', edge))
    })

    afterAll(() => client.close())

    it.each([
      ['after the answer', false],
      ['with the request', true],
    ])(
      'a WebSocket by an extended CONNECT (RFC 8441) echoes what is sent %s',
      async (_, isEarly) => {
        const stream = client.open(connecting(alice))
        const echo = collect(stream)
        if (isEarly) stream.write(maskedText('early'))
        const [fields] = (await once(stream, 'response')) as [IncomingHttpHeaders]
        expect(fields[':status']).toBe(200)
        if (!isEarly) stream.write(maskedText('early'))
        await expect.poll(echo, WAIT).toBe(unmaskedText('early'))
        stream.write(maskedText('later'))
        await expect.poll(echo, WAIT).toBe(unmaskedText('early') + unmaskedText('later'))
        stream.destroy()
      },
    )

    it('a WebSocket by an extended CONNECT (RFC 8441) is judged and forwarded as the upgrade of a GET, with the identity of its caller', async () => {
      const forged = { 'x-forwarded-user': 'forged', 'x-brickgate-tier': 'external' }
      const stream = client.open({ ...connecting(alice), ...forged })
      await once(stream, 'response')
      stream.destroy()

      const request = await onlyRequest()
      expect(request).toMatchObject({ method: 'GET', target: SOCKET, isUpgrade: true })
      expect(valuesOf(request, 'upgrade')).toEqual(['websocket'])
      expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${alice}`])
      expect(valuesOf(request, 'x-forwarded-user')).toEqual(['alice'])
      expect(valuesOf(request, 'x-brickgate-tier')).toEqual(['internal'])
      expect(await stack.auditOf(requestIdOf(request))).toMatchObject({
        decision: 'allow',
        method: 'GET',
        path: SOCKET_PATH,
      })
    })

    it.each([
      ['nobody', () => null, SOCKET, unauthorized('no-credential', 'bare')],
      ['a caller who may not', () => bob, SOCKET, UNPERMITTED],
      ['a caller who may not open it there', () => alice, '/api/2.0/token/x', UNPERMITTED],
    ])(
      'a WebSocket by an extended CONNECT (RFC 8441) is refused to %s, and what was sent early goes nowhere',
      async (_, token, path, refusal) => {
        const answer = await client.sendRequest(
          { ...connecting(token()), ':path': path },
          maskedText('early'),
        )
        expect(await auditedRefusal(stack, answer)).toEqual(refusal)
      },
    )

    it.each(['/a/..;/b', '/a%2f', `${SOCKET_PATH}%23`, '/_Brickgate/x', '//x'])(
      'a WebSocket by an extended CONNECT (RFC 8441) is refused to %s before it is judged',
      async (path) => {
        const answer = await client.sendRequest({ ...connecting(alice), ':path': path }, '')
        expect([400, 404]).toContain(readRefusal(answer).status)
        expect(await stack.upstreamRequests()).toEqual([])
      },
    )

    it('a WebSocket by an extended CONNECT (RFC 8441) leads to none of our own pages', async () => {
      const answer = await client.sendRequest(
        { ...connecting(alice), ':path': '/_brickgate/x' },
        '',
      )
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(await stack.upstreamRequests()).toEqual([])
    })
  })
})

function connecting(token: string | null): OutgoingHttpHeaders {
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': SOCKET,
    ':authority': 'localhost',
    'sec-websocket-version': '13',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  }
}

/** @returns the bytes so far, a char for each */
function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  return () => text
}

/** A short text frame as clients send it (RFC 6455 section 5.2), masked with zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

/** The same as servers send it. */
function unmaskedText(text: string): string {
  return `${String.fromCharCode(0x81, text.length)}${text}`
}

async function onlyRequest(): Promise<RecordedRequest | undefined> {
  const requests = await stack.upstreamRequests()
  expect(requests).toHaveLength(1)
  return requests[0]
}
