import type { Params } from '../fcgi/params.ts'

const REQUEST_ID = /^[0-9a-f]{32}$/

/** Whether `text` is an id as the gate makes them. Nothing else is repeated to clients or logs. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text)
}

/** The id that the gate gave a request; null when it gave none of its form. */
export function readRequestId(params: Params): string | null {
  const id = params.get('BRICKGATE_REQUEST_ID')
  return id !== null && isRequestId(id) ? id : null
}
