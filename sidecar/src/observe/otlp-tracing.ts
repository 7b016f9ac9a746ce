import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { VERSION } from '../config/version.ts'
import type { OpenSpan, SpanAttributes, Tracing, TracingSettings } from './tracing.ts'

const EXPORT_TIMEOUT_MS = 5000
const CLOSE_WITHIN_MS = 1000
const REPORT_EVERY_MS = 60_000

interface Current {
  readonly span: OpenSpan
  /** parent context of children */
  readonly context: Context
}

/**
 * Tracing with the OpenTelemetry SDK, over OTLP/HTTP with JSON. Only this file uses the SDK, and it
 * is loaded when tracing is configured. A slow or unreachable collector loses spans, which are
 * dropped when 2,048 wait, and delays no request.
 *
 * @param part the process, such as `primary`
 */
export function createOtlpTracing(
  settings: TracingSettings,
  part: string,
  onFailing: (error: unknown) => void,
): Tracing {
  const provider = openProvider(settings, part)
  const tracer = provider.getTracer('brickgate', VERSION)
  const active = new AsyncLocalStorage<Current>()
  const contexts = new WeakMap<OpenSpan, Context>()
  const failed = failureReporter(onFailing)

  return {
    begin(name, parent) {
      // INVARIANT: the client's sampling flag is ignored; otherwise clients would control trace
      // volume.
      if (Math.random() >= settings.sample_ratio) return null
      const startMs = nowMs()
      const options = { kind: SpanKind.SERVER, startTime: startMs }
      const span = tracer.startSpan(name, options, contextOf(parent))
      const open: OpenSpan = {
        traceparent: traceparentOf(span),
        end: (seconds, attributes, isError) =>
          finish(span, { endMs: startMs + seconds * 1000, attributes, isError }),
      }
      contexts.set(open, trace.setSpan(ROOT_CONTEXT, span))
      return open
    },
    within: (span, work) => active.run({ span, context: contexts.get(span) ?? ROOT_CONTEXT }, work),
    current: () => active.getStore()?.span ?? null,
    child(name, seconds, isError) {
      const current = active.getStore()
      if (current === undefined) return
      const endMs = nowMs()
      const options = { kind: SpanKind.CLIENT, startTime: endMs - seconds * 1000 }
      const span = tracer.startSpan(name, options, current.context)
      finish(span, { endMs, attributes: {}, isError })
    },
    alone(name, seconds, attributes) {
      const endMs = nowMs()
      const options = { kind: SpanKind.CLIENT, startTime: endMs - seconds * 1000 }
      const isError = attributes.result === 'error'
      finish(tracer.startSpan(name, options, ROOT_CONTEXT), { endMs, attributes, isError })
    },
    async close() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, CLOSE_WITHIN_MS)
      await Promise.race([provider.shutdown().catch(failed), late])
      clearTimeout(timer)
    },
  }
}

function openProvider(settings: TracingSettings, part: string): TracerProvider {
  const exporter = new OTLPTraceExporter({
    url: settings.endpoint,
    headers: settings.headers,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  })
  return new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.service_name,
      'service.version': VERSION,
      'brickgate.part': part,
      'process.pid': process.pid,
    }),
    sampler: new AlwaysOnSampler(), // unsampled requests never get here
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1000 })],
  })
}

/** Wall-clock time with the resolution of the monotonic clock, in milliseconds. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

function contextOf(parent: string | null): Context {
  const spanContext = parent === null ? null : parseTraceParent(parent)
  if (spanContext === null) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, { ...spanContext, isRemote: true })
}

function traceparentOf(span: Span): string {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}

interface Ending {
  readonly endMs: number
  readonly attributes: SpanAttributes
  readonly isError: boolean
}

function finish(span: Span, { endMs, attributes, isError }: Ending): void {
  for (const [name, value] of Object.entries(attributes)) {
    span.setAttribute(`brickgate.${name}`, value)
  }
  if (isError) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(endMs)
}

/**
 * The SDK reports failures with the collector's own answer. Only the fact of a failure is passed
 * on, once a minute.
 */
function failureReporter(onFailing: (error: unknown) => void): () => void {
  let reportedMs = Number.NEGATIVE_INFINITY
  const report = (): void => {
    if (performance.now() - reportedMs < REPORT_EVERY_MS) return
    reportedMs = performance.now()
    onFailing(new Error('the collector did not take spans'))
  }
  const quiet = (): void => undefined
  const logger = { error: report, warn: report, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  return report
}
