import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

/** A received span. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: { stringValue?: string } }[]
  readonly status: { readonly code?: number }
  /** the resource's attributes */
  readonly resource: Readonly<Record<string, string>>
}

/** A collector that stores OTLP/HTTP with JSON. */
export interface OtlpReceiver {
  readonly url: string
  /** in order of arrival */
  spans(): readonly ReceivedSpan[]
  /** everything received, headers included, as text */
  text(): string
  close(): void
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: ReceivedSpan['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<ReceivedSpan, 'resource'>[] }[]
  }[]
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  let text = ''
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Export
    text += JSON.stringify([request.headers, body])
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const described = attributesOf(resource)
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push(Object.assign(span, { resource: described }))
      }
    }
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${Object(server.address()).port}/v1/traces`,
    spans: () => spans,
    text: () => text,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export function attributesOf({
  attributes,
}: Pick<ReceivedSpan, 'attributes'>): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(value.stringValue)]))
}
