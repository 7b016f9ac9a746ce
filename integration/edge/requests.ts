import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { requestIdOf } from '../harness/upstream.ts'

/**
 * A request over HTTP/1.1 as bytes, without body.
 *
 * @param fields whole lines such as `X-A: b`
 */
export function requestText(target: string, fields: readonly string[], method = 'GET'): string {
  return `${[`${method} ${target} HTTP/1.1`, 'Host: localhost', ...fields].join('\r\n')}\r\n\r\n`
}

/**
 * Every header that the workspace got, as `name: value` in alphabetical order; the request's id is
 * `<id>`.
 */
export function fieldsOf(request: RecordedRequest | undefined): readonly string[] {
  const id = requestIdOf(request)
  const fields = (request?.headers ?? []).map(([name, value]) => `${name.toLowerCase()}: ${value}`)
  return fields.map((field) => field.replaceAll(id, '<id>')).sort()
}
