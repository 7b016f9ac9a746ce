/** The part of an error's answer that its HTTP status decides. */
export interface ErrorAnswer {
  /** `error_code` of the body */
  readonly errorCode: string
  /** for `Retry-After`; null where clients must not repeat the request */
  readonly retryAfterSeconds: number | null
}

/**
 * The Java SDK tries four times and waits as long as it is asked to: 15 s in all, longer than a
 * failover of Redis or the restart of a sidecar takes.
 */
export const RETRY_AFTER_SECONDS = 5

/**
 * Errors as Databricks' own services write them, whoever answers: sidecar, gate or egress. Each
 * status has one code. `lighttpd/lua/refusal.lua` and `egress/haproxy.cfg` repeat their rows, and
 * `tools/error-answers.test.ts` compares them.
 *
 * INVARIANT: 429 and 503 have a wait, a whole number of seconds. The JDBC driver gives up without
 * one and fails on a date. 502 has none, because the request may have run.
 */
export const ERROR_ANSWERS = {
  400: final('BAD_REQUEST'),
  401: final('UNAUTHENTICATED'),
  403: final('PERMISSION_DENIED'),
  404: final('NOT_FOUND'),
  405: final('METHOD_NOT_ALLOWED'),
  408: final('BAD_REQUEST'),
  411: final('LENGTH_REQUIRED'),
  413: final('REQUEST_TOO_LARGE'),
  414: final('REQUEST_TOO_LARGE'),
  415: final('BAD_REQUEST'),
  417: final('EXPECTATION_FAILED'),
  421: final('MISDIRECTED_REQUEST'),
  429: repeated('RESOURCE_EXHAUSTED'),
  431: final('REQUEST_TOO_LARGE'),
  500: final('INTERNAL_ERROR'),
  501: final('NOT_IMPLEMENTED'),
  502: final('TEMPORARILY_UNAVAILABLE'),
  503: repeated('TEMPORARILY_UNAVAILABLE'),
  504: repeated('TEMPORARILY_UNAVAILABLE'),
  505: final('HTTP_VERSION_NOT_SUPPORTED'),
} as const satisfies Record<number, ErrorAnswer>

export type ErrorStatus = keyof typeof ERROR_ANSWERS

/** @returns the row of 400 or 500 for a status without a row of its own */
export function errorAnswer(status: number): ErrorAnswer {
  const rows: Readonly<Record<number, ErrorAnswer>> = ERROR_ANSWERS
  return rows[status] ?? ERROR_ANSWERS[status < 500 ? 400 : 500]
}

function final(errorCode: string): ErrorAnswer {
  return { errorCode, retryAfterSeconds: null }
}

function repeated(errorCode: string): ErrorAnswer {
  return { errorCode, retryAfterSeconds: RETRY_AFTER_SECONDS }
}
