import type { RecordedRequest } from '../../demo/databricks/request-log.ts'

/** Every value of a header of a request that the workspace received, in order. */
export function valuesOf(request: RecordedRequest | undefined, name: string): readonly string[] {
  const found = request?.headers.filter(([sent]) => sent.toLowerCase() === name.toLowerCase())
  return (found ?? []).map(([, value]) => value)
}

/** The gate's id of an allowed request; its answer may carry the workspace's own instead. */
export function requestIdOf(request: RecordedRequest | undefined): string {
  return valuesOf(request, 'x-request-id').join()
}
