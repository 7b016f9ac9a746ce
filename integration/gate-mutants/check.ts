import { equal } from 'node:assert/strict'
import { sendOnce } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { allow, replies } from '../fail-closed/misbehaviours.ts'
import { type Answer, openRaw } from '../harness/answer.ts'
import type { GateFixture, Received } from './gate-fixture.ts'

/**
 * A requirement on a gate.
 *
 * @throws when the gate does not meet it
 */
export type Check = (gate: GateFixture) => Promise<void>

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
export function serving(gate: GateFixture): void {
  gate.internal.behave = replies(allow())
  gate.external.behave = replies(allow({ BRICKGATE_TIER: 'external' }))
  gate.responder.behave = replies('Status: 200\r\nContent-Type: application/json\r\n\r\n{}')
  gate.egress.answer = egressAnswer()
  gate.egress.received = []
}

/** Sends a request on a connection of its own. */
export function sendRequest(
  gate: GateFixture,
  fields: readonly string[] = [],
  { target = TARGET, method = 'GET', tier = 'internal', body = '' }: Asked = {},
): Promise<Answer> {
  const text = requestText(target, fields, method) + body
  return sendOnce(() => openRaw(gate.listener(tier)), text)
}

/** @returns the only request that the egress received since the last call */
export function takeReceived(gate: GateFixture): Received | undefined {
  const [first, ...further] = gate.egress.received.splice(0)
  equal(further.length, 0)
  return first
}
