import type { ControlRoutes } from '../service/control-routes.ts'
import { BadCall } from '../service/json.ts'
import type { Behaviours } from './behaviour.ts'
import type { Connections } from './connections.ts'
import type { RecordedRequest, RequestLog } from './request-log.ts'

/** The control routes, on a port of their own; README.md beside this file lists them. */
export function createSimControl(parts: {
  readonly log: RequestLog
  readonly connections: Connections
  readonly behaviours: Behaviours
}): ControlRoutes {
  const { log, connections, behaviours } = parts
  return {
    'GET /__sim/requests': ({ query }) => select(log.list(), query),
    'DELETE /__sim/requests': () => log.clear(),
    'GET /__sim/connections': () => connections.stats(),
    'POST /__sim/behaviour': ({ body }) => behaviours.add(body),
    'DELETE /__sim/behaviour': () => behaviours.clear(),
  }
}

/** `request_id` wants that `X-Request-Id`, `since` that epoch millisecond or later. */
function select(
  requests: readonly RecordedRequest[],
  query: URLSearchParams,
): readonly RecordedRequest[] {
  const requestId = query.get('request_id')
  const since = Number(query.get('since') ?? 0)
  if (Number.isNaN(since)) throw new BadCall('since is not a number')
  return requests.filter(
    ({ headers, receivedAtMs }) =>
      receivedAtMs >= since && (requestId === null || hasRequestId(headers, requestId)),
  )
}

function hasRequestId(headers: RecordedRequest['headers'], requestId: string): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === 'x-request-id' && value === requestId,
  )
}
