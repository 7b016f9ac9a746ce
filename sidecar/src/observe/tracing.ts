import type { Config } from '../config/schema.ts'

export type TracingSettings = NonNullable<Config['tracing']>

/** What a span may say. INVARIANT: nothing of a request but its id, and no value that a client chooses. */
export type SpanAttributes = Readonly<Partial<Record<SpanAttribute, string>>>
type SpanAttribute = 'request_id' | 'decision' | 'reason' | 'tier' | 'issuer' | 'result'

/** A span that was begun, of a request that is sampled. */
export interface OpenSpan {
  /** names this span as the parent of what comes after (W3C Trace Context, section 3.2) */
  readonly traceparent: string
  /** @param seconds since it was begun */
  end(seconds: number, attributes: SpanAttributes, isError: boolean): void
}

/** Spans of what a process does, sent to a collector in the background. Nothing throws. */
export interface Tracing {
  /**
   * Begins the span of a request, for some of them.
   *
   * @param parent the `traceparent` that the client sent, used where it is well-formed
   * @returns null for one that is not sampled
   */
  begin(name: string, parent: string | null): OpenSpan | null
  /** does the work of a request, in which `current` and `child` find its span */
  within<T>(span: OpenSpan, work: () => T): T
  current(): OpenSpan | null
  /** notes what has just ended, if it was part of a request that is sampled */
  child(name: string, seconds: number, isError: boolean): void
  /** notes what has just ended and was part of no request */
  alone(name: string, seconds: number, attributes: SpanAttributes): void
  /** sends what waits, for a second at most */
  close(): Promise<void>
}

/**
 * The tracing that the configuration asks for. It begins a moment later, when its libraries are loaded:
 * nobody waits for them, and where no tracing is configured they are not loaded at all.
 *
 * @param onFailing told why spans cannot be sent
 * @returns null where none is configured
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
