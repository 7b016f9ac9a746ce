import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer, DecisionEvent } from '../../src/authorize/answer.ts'
import type { Params } from '../../src/fcgi/params.ts'
import { traced, tracedObserver } from '../../src/observe/traced.ts'
import { openTracing, type Tracing } from '../../src/observe/tracing.ts'
import { attributesOf, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { until } from '../support/until.ts'
import { allowEvent, unreadableEvent } from './decision-event-fixture.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const ALLOWED = { status: 200, headers: [['Variable-BRICKGATE_PROOF', 'x']], body: '' } as const

let receiver: OtlpReceiver
let failures: unknown[]

beforeEach(async () => {
  receiver = await startOtlpReceiver()
  failures = []
})

afterEach(() => receiver.close())

describe('a request that is sampled', () => {
  it.each([
    ['the trace of its client', `00-${TRACE}-${PARENT}-01`],
    ['a trace of which the client keeps nothing itself', `00-${TRACE}-${PARENT}-00`],
  ])('goes on in %s', async (_name, traceparent) => {
    const reply = await answered({ traceparent })
    const [span] = receiver.spans()
    expect(span).toMatchObject({ name: 'authorize', traceId: TRACE, parentSpanId: PARENT })
    expect(reply.headers).toEqual([
      ...ALLOWED.headers,
      ['Variable-BRICKGATE_TRACEPARENT', `00-${TRACE}-${span?.spanId}-01`],
    ])
  })

  it.each([
    ['none', null],
    ['an empty one', ''],
    ['one of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['one of an invalid version', `ff-${TRACE}-${PARENT}-01`],
    ['one in upper case', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['two', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ['another field', `00-${TRACE}-${PARENT}-01\r\nX: y`],
  ])('begins a trace where the client sent %s', async (_name, traceparent) => {
    const reply = await answered({ traceparent })
    const [span] = receiver.spans()
    expect(span?.parentSpanId ?? '').toBe('')
    expect(span?.traceId).not.toBe(TRACE)
    expect(new Map(reply.headers).get('Variable-BRICKGATE_TRACEPARENT')).toMatch(
      /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/,
    )
  })

  it('says of the decision what is no secret, and nothing else', async () => {
    const event = allowEvent({ path: '/a-secret-path' })
    await answered({ event })
    const [span] = receiver.spans()
    expect(span && attributesOf(span)).toEqual({
      'brickgate.request_id': event.requestId,
      'brickgate.decision': 'allow',
      'brickgate.reason': 'allowed',
      'brickgate.tier': 'internal',
    })
    const took = BigInt(span?.endTimeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0)
    expect(Number(took) / 1000).toBeCloseTo(event.durationMicroseconds, -1)
    expect(span?.resource).toMatchObject({ 'service.name': 'gateway', 'brickgate.part': 'test' })
    expect(receiver.text()).not.toMatch(/secret|alice|00u1/)
  })

  it('is an error only where the gateway failed', async () => {
    const unavailable = unreadableEvent()
    const decision = {
      ...unavailable.decision,
      effect: 'deny',
      reason: 'state-unavailable',
    } as const
    await answered({ event: unavailable })
    await answered({ event: { ...unavailable, decision } })
    expect(receiver.spans().map(({ status }) => status.code)).toEqual([0, 2])
  })

  it('holds what it waited for', async () => {
    await answered({ duringWork: (tracing) => tracing.child('redis', 0.002, false) })
    const [redis, authorize] = ['redis', 'authorize'].map((name) =>
      receiver.spans().find((span) => span.name === name),
    )
    expect(redis?.parentSpanId).toBe(authorize?.spanId)
    expect(redis?.traceId).toBe(authorize?.traceId)
  })

  it('sends a refusal without a variable', async () => {
    const refusal = { status: 403, headers: [], body: '{}' }
    expect(await answered({ reply: refusal })).toEqual(refusal)
  })
})

it('a request that is not sampled is answered as without tracing, and leaves no span', async () => {
  const traceparent = `00-${TRACE}-${PARENT}-01`
  const reply = await answered({ traceparent, sampleRatio: 0 })
  expect(reply).toBe(ALLOWED)
  expect(receiver.spans()).toEqual([])
})

it('a step that belongs to no request is a trace of its own', async () => {
  const tracing = await opened(1)
  tracing.child('redis', 0.001, false) // outside of any request
  tracing.alone('jwks fetch', 0.25, { issuer: 'okta', result: 'error' })
  await tracing.close()
  const [span, ...others] = receiver.spans()
  expect(others).toEqual([])
  expect(span).toMatchObject({ name: 'jwks fetch', status: { code: 2 } })
  expect(span && attributesOf(span)).toEqual({
    'brickgate.issuer': 'okta',
    'brickgate.result': 'error',
  })
})

it('a collector that is away costs nothing but the spans, and is told of once', async () => {
  receiver.close()
  const tracing = await opened(1)
  const startedMs = performance.now()
  for (let i = 0; i < 3000; i++) tracing.begin('authorize', null)?.end(0.001, {}, false)
  expect(performance.now() - startedMs).toBeLessThan(1000)
  await tracing.close()
  expect(performance.now() - startedMs).toBeLessThan(3000)
  await until(async () => failures.length > 0)
  expect(failures.map(String)).toEqual(['Error: the collector did not take spans'])
})

it('without tracing everything is called as it is, with nothing around it', () => {
  const answer: Answer = async () => ALLOWED
  const observer = { decided: () => undefined, failed: () => undefined }
  expect(traced(answer, null)).toBe(answer)
  expect(tracedObserver(observer, null)).toBe(observer)
})

it('nothing of the SDK is loaded where no tracing is configured', async () => {
  expect(openTracing(undefined, 'test', () => undefined)).toBeNull()
  const fixture = join(import.meta.dirname, 'loaded-modules-process-fixture.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [fixture])
  const loaded = stdout.trim().split('\n')
  expect(loaded.some((url) => url.endsWith('/sidecar/src/processes/worker.ts'))).toBe(true)
  expect(loaded.some((url) => url.endsWith('/sidecar/src/processes/supervisor.ts'))).toBe(true)
  const ofTheSdk = /@opentelemetry\/(?!api\/)|otlp/ // prom-client has only the interfaces
  expect(loaded.filter((url) => ofTheSdk.test(url))).toEqual([])
})

interface Asked {
  readonly traceparent?: string | null
  readonly sampleRatio?: number
  readonly event?: DecisionEvent
  readonly reply?: Awaited<ReturnType<Answer>>
  readonly duringWork?: (tracing: Tracing) => void
}

/** Answers a request, and waits until its spans have arrived. */
async function answered(asked: Asked): Promise<Awaited<ReturnType<Answer>>> {
  const { traceparent = null, event = allowEvent(), reply = ALLOWED } = asked
  const tracing = await opened(asked.sampleRatio ?? 1)
  const observer = tracedObserver({ decided: () => undefined, failed: () => undefined }, tracing)
  const answer: Answer = async () => {
    await new Promise(setImmediate)
    asked.duringWork?.(tracing)
    setImmediate(() => observer.decided(event))
    return reply
  }
  const params: Params = {
    get: (name) => (name === 'HTTP_TRACEPARENT' ? traceparent : null),
    isRepeated: () => false,
  }
  const given = await traced(answer, tracing)(params, 'internal')
  await new Promise(setImmediate)
  await tracing.close()
  return given
}

/** Tracing with a loaded SDK. */
async function opened(sampleRatio: number): Promise<Tracing> {
  const settings = {
    ...{ endpoint: receiver.url, sample_ratio: sampleRatio, service_name: 'gateway' },
    headers: {},
  }
  const tracing = openTracing(settings, 'test', (error) => failures.push(error))
  if (tracing === null) throw new Error('there is no tracing')
  await import('../../src/observe/otlp-tracing.ts')
  await new Promise(setImmediate)
  return tracing
}
