import { equal } from 'node:assert/strict'
import { askOnce } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { allow, replies } from '../fail-closed/misbehaviours.ts'
import { type Answer, openRaw } from '../harness/answer.ts'
import type { GateBench, Received } from './gate-fixture.ts'

/**
 * A requirement on a gate.
 *
 * @throws when the gate does not meet it
 */
export type Check = (bench: GateBench) => Promise<void>

export const TARGET = '/api/2.1/clusters/list?cursor=not-for-the-logs'

interface Asked {
  readonly target?: string
  readonly method?: string
  readonly tier?: 'internal' | 'external'
  readonly body?: string
}

/** Text of an answer of the egress. */
export function egressAnswer(status = 200, fields: readonly string[] = [], body = 'ok'): string {
  const all = [`HTTP/1.1 ${status} X`, 'X-Brickgate-Egress: answered', ...fields]
  return `${[...all, `Content-Length: ${body.length}`, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`
}

/** Makes every part behind the gate allow and answer. */
export function serving(bench: GateBench): void {
  bench.internal.behave = replies(allow())
  bench.external.behave = replies(allow({ BRICKGATE_TIER: 'external' }))
  bench.responder.behave = replies('Status: 200\r\nContent-Type: application/json\r\n\r\n{}')
  bench.egress.answer = egressAnswer()
  bench.egress.received = []
}

/** Sends a request on a connection of its own. */
export function ask(
  bench: GateBench,
  fields: readonly string[] = [],
  { target = TARGET, method = 'GET', tier = 'internal', body = '' }: Asked = {},
): Promise<Answer> {
  const text = requestText(target, fields, method) + body
  return askOnce(() => openRaw(bench.listener(tier)), text)
}

/** @returns the only request that the egress received since the last call */
export function takeReceived(bench: GateBench): Received | undefined {
  const [first, ...further] = bench.egress.received.splice(0)
  equal(further.length, 0)
  return first
}
