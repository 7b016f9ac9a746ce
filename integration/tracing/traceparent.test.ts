import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  attributesOf,
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../../sidecar/test/support/otlp-receiver.ts'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { startStack, stopStack } from '../harness/stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const WITHIN = { timeout: 10_000, interval: 100 }

/** The client's header, which requests sampling. */
function sent(): { readonly traceId: string; readonly spanId: string; readonly header: string } {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { traceId, spanId, header: `00-${traceId}-${spanId}-01` }
}

/** The values of a header of the last request that the workspace received. */
async function arrived(stack: StackClient, name: string): Promise<readonly string[]> {
  const { headers = [] } = (await stack.upstreamRequests()).at(-1) ?? {}
  return headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value)
}

describe('without tracing', () => {
  let stack: StackClient
  let token: string

  beforeAll(async () => {
    stack = stackClient(sharedStack())
    token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  })

  afterAll(() => stack.close())

  it.each(sharedStack().edges.map((edge) => [edge.version, edge] as const))(
    'without tracing, the trace context of the client reaches the workspace as it is, lighttpd %s',
    async (_version, edge) => {
      const { header } = sent()
      const headers = {
        authorization: `Bearer ${token}`,
        traceparent: header,
        tracestate: 'vendor=1',
        'x-brickgate-traceparent': 'forged',
      }
      await send(stack.listener('internal', edge), CLUSTERS, { headers })
      expect(await arrived(stack, 'traceparent')).toEqual([header])
      expect(await arrived(stack, 'tracestate')).toEqual(['vendor=1'])
    },
  )

  it('without tracing, no trace context is made up', async () => {
    await stack.sendAs(token, CLUSTERS)
    expect(await arrived(stack, 'traceparent')).toEqual([])
  })
})

describe('with tracing', () => {
  let receiver: OtlpReceiver
  let stack: StackClient
  let token: string

  beforeAll(async () => {
    receiver = await startOtlpReceiver()
    const headers = { authorization: 'Bearer of-the-collector' }
    const tracing = { endpoint: receiver.url, sample_ratio: 1, headers }
    stack = stackClient(await startStack({ config: { tracing } }))
    token = await stack.mint({ sub: 'a-secret-subject', groups: ['analysts'] })
  })

  afterAll(async () => {
    stack.close()
    await stopStack(stack.info)
    receiver.close()
  })

  async function spanOf(requestId: unknown): Promise<ReceivedSpan> {
    const find = (): ReceivedSpan | undefined =>
      receiver.spans().find((span) => attributesOf(span)['brickgate.request_id'] === requestId)
    await expect.poll(find, WITHIN).toBeDefined()
    return find() as ReceivedSpan
  }

  it('with tracing, the span of an allow is the parent of what the workspace does, in the trace of the client', async () => {
    const { traceId, spanId, header } = sent()
    await stack.sendAs(token, `${CLUSTERS}?code=a-secret-query`, {
      headers: { traceparent: header },
    })

    const [id] = await arrived(stack, 'x-request-id')
    const span = await spanOf(id)
    expect(span).toMatchObject({ name: 'authorize', traceId, parentSpanId: spanId })
    expect(await arrived(stack, 'traceparent')).toEqual([`00-${traceId}-${span.spanId}-01`])
    expect(attributesOf(span)).toEqual({
      'brickgate.request_id': id,
      'brickgate.decision': 'allow',
      'brickgate.reason': 'allowed',
      'brickgate.tier': 'internal',
    })
    expect(span.resource).toMatchObject({ 'brickgate.part': 'authorizer' })
  })

  it('with tracing, a refusal has a span, with its reason', async () => {
    const answer = await stack.send(CLUSTERS)
    const span = await spanOf(answer.headers['x-request-id'])
    expect(attributesOf(span)).toMatchObject({ 'brickgate.reason': 'no-credential' })
  })

  it('with tracing, a command to Redis for a request is a part of the request’s span', async () => {
    const fresh = await stack.mint({ sub: 'never-seen-before', groups: ['analysts'] })
    await stack.sendAs(fresh, CLUSTERS)
    const [id] = await arrived(stack, 'x-request-id')
    const { traceId, spanId } = await spanOf(id)
    const redis = receiver.spans().filter((span) => span.parentSpanId === spanId)
    expect(redis.map(({ name }) => name)).toContain('redis')
    expect(redis.every((span) => span.traceId === traceId)).toBe(true)
  })

  it('with tracing, a fetch of keys is a trace of its own', async () => {
    const find = (): ReceivedSpan | undefined =>
      receiver.spans().find(({ name }) => name === 'jwks fetch')
    await expect.poll(find, WITHIN).toBeDefined()
    const span = find() as ReceivedSpan
    expect(attributesOf(span)).toEqual({ 'brickgate.issuer': 'demo', 'brickgate.result': 'ok' })
    expect(span.resource).toMatchObject({ 'brickgate.part': 'primary' })
  })

  it('with tracing, the collector gets its own credential, and nothing of anybody else', async () => {
    await expect.poll(() => receiver.spans().length, WITHIN).toBeGreaterThan(2)
    const text = receiver.text()
    expect(text).toContain('Bearer of-the-collector')
    for (const secret of [token, 'a-secret', 'never-seen-before', CLUSTERS]) {
      expect(text).not.toContain(secret)
    }
  })
})
