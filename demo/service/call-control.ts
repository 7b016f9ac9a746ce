import { readJson } from './read-json.ts'
import type { TrustingFetch } from './trusting-fetch.ts'

/**
 * Calls a control route.
 *
 * @returns its JSON answer, null for 204
 * @throws for anything but 2xx
 */
export async function callControl<T>(
  fetch: TrustingFetch,
  call: { readonly method: string; readonly address: string; readonly body?: unknown },
): Promise<T> {
  const posting = call.body === undefined ? {} : { body: JSON.stringify(call.body) }
  return readJson<T>(await fetch(call.address, { method: call.method, ...posting }))
}
