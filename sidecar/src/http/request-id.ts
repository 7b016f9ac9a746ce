import type { Params } from '../fcgi/params.ts'

const REQUEST_ID = /^[0-9a-f]{32}$/

/** Whether `text` has the form of the gate's ids. Clients and logs get no other id. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text)
}

/** The gate's id of a request; null without an id of its form. */
export function readRequestId(params: Params): string | null {
  const id = params.get('BRICKGATE_REQUEST_ID')
  return id !== null && isRequestId(id) ? id : null
}
