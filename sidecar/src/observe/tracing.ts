import type { Config } from '../config/schema.ts'

export type TracingSettings = NonNullable<Config['tracing']>

/**
 * The attributes of a span.
 *
 * INVARIANT: of a request only its id, and no value that a client chooses. Otherwise a collector
 * would receive credentials or personal data.
 */
export type SpanAttributes = Readonly<Partial<Record<SpanAttribute, string>>>
type SpanAttribute = 'request_id' | 'decision' | 'reason' | 'tier' | 'issuer' | 'result'

/** The span of a sampled request. */
export interface OpenSpan {
  /** names this span as the parent of later spans (W3C Trace Context, section 3.2) */
  readonly traceparent: string
  /** @param seconds since its beginning */
  end(seconds: number, attributes: SpanAttributes, isError: boolean): void
}

/** Spans of a process, sent to a collector in the background. Nothing throws. */
export interface Tracing {
  /**
   * Begins the span of a request, for some requests.
   *
   * @param parent the client's `traceparent`, used where it is well-formed
   * @returns null for an unsampled request
   */
  begin(name: string, parent: string | null): OpenSpan | null
  /** runs the work of a request, in which `current` and `child` find its span */
  within<T>(span: OpenSpan, work: () => T): T
  current(): OpenSpan | null
  /** records a finished step of a sampled request */
  child(name: string, seconds: number, isError: boolean): void
  /** records a finished step that belongs to no request */
  alone(name: string, seconds: number, attributes: SpanAttributes): void
  /** sends waiting spans, for a second at most */
  close(): Promise<void>
}

/**
 * Opens the configured tracing. It begins a moment later, when its libraries are loaded; nothing
 * waits for them, and without tracing they are never loaded.
 *
 * @param onFailing called with the reason why spans cannot be sent
 * @returns null without tracing
 */
export function openTracing(
  settings: TracingSettings | undefined,
  part: string,
  onFailing: (error: unknown) => void,
): Tracing | null {
  if (settings === undefined) return null
  let loaded: Tracing | null = null
  const loading = load(settings).catch(onFailing)
  async function load(configured: TracingSettings): Promise<void> {
    const { createOtlpTracing } = await import('./otlp-tracing.ts')
    loaded = createOtlpTracing(configured, part, onFailing)
  }
  return {
    begin: (name, parent) => loaded?.begin(name, parent) ?? null,
    within: (span, work) => (loaded === null ? work() : loaded.within(span, work)),
    current: () => loaded?.current() ?? null,
    child: (name, seconds, isError) => loaded?.child(name, seconds, isError),
    alone: (name, seconds, attributes) => loaded?.alone(name, seconds, attributes),
    async close() {
      await loading
      await loaded?.close()
    },
  }
}
