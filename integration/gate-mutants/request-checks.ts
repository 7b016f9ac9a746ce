import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { MALFORMED_REQUESTS } from '../edge/malformed-requests.ts'
import { OWN_PAGES } from '../edge/own-pages.ts'
import { NAMELESS, normalForm, objectionTo } from '../edge/path-oracle.ts'
import { PATH_TABLE } from '../edge/path-table.ts'
import { createRawClient, sendOnce } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { ALLOWS, MISBEHAVIOURS, REFUSALS, replies } from '../fail-closed/misbehaviours.ts'
import { openRaw } from '../harness/answer.ts'
import { readRefusal } from '../harness/refusals.ts'
import { type Check, sendRequest, TARGET, takeReceived } from './check.ts'
import { LIMIT } from './gate-fixture.ts'
import { allowsFor, stripsHeaders } from './header-checks.ts'

/** The request that the authorizer gets. */
const passesRequestOn: Check = async (gate) => {
  let asked = ''
  gate.internal.behave = (socket, request) => {
    asked = request.toString('latin1')
    socket.end()
  }
  await sendRequest(gate, ['X-Forwarded-User: forged'])
  for (const part of [
    'BRICKGATE_LISTENERinternal',
    `BRICKGATE_TARGET${TARGET}`,
    'BRICKGATE_METHODGET',
    `REQUEST_URI${TARGET}`,
  ]) {
    ok(asked.includes(part), part)
  }
  match(asked, /BRICKGATE_REQUEST_ID[0-9a-f]{32}/)
  for (const part of ['forged', 'QUERY_STRINGcursor', 'HTTP_X_BRICKGATE_UPGRADE']) {
    ok(!asked.includes(part), part)
  }
  await sendRequest(gate, ['Connection: Upgrade', 'Upgrade: WebSocket'])
  ok(asked.includes('HTTP_X_BRICKGATE_UPGRADEwebsocket'))
  await sendRequest(gate, ['Connection: Upgrade', 'Upgrade: h2c'])
  ok(!/HTTP_UPGRADE|HTTP_X_BRICKGATE_UPGRADE/.test(asked))
  await sendRequest(gate, ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'], {
    method: 'POST',
  })
  ok(!/HTTP_UPGRADE|HTTP_X_BRICKGATE_UPGRADE/.test(asked))
}

/** Rejections by the gate itself; the access log is read when lighttpd has ended. */
const refuses: Check = async (gate) => {
  for (const { bytes, status, errorCode, reason } of MALFORMED_REQUESTS) {
    const answer = await sendOnce(() => openRaw(gate.listener()), bytes)
    deepEqual(readRefusal(answer), { status, errorCode, challenge: null, hasRetryAfter: false })
    gate.reasons.set(String(answer.headers['x-request-id']), reason)
    if (status === 405) match(String(answer.headers.allow), /^GET, .*OPTIONS$/)
    ok(!answer.body.includes('429'))
  }
  const claims = await sendRequest(gate, ['X-Brickgate-Upgrade: websocket'])
  equal(readRefusal(claims).status, 400)
  const { asked } = gate.internal
  equal((await sendRequest(gate, headers(199))).status, 200)
  equal((await sendRequest(gate, headers(200))).status, 431)
  takeReceived(gate)
  deepEqual([gate.internal.asked, gate.egress.received], [asked + 1, []])
}

function headers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `X${at}: b`)
}

const refusesMisbehaviours: Check = async (gate) => {
  for (const [name, behaviour, status, reason] of MISBEHAVIOURS) {
    gate.internal.behave = behaviour
    const answer = await sendRequest(gate)
    const refusal = readRefusal(answer)
    deepEqual([name, refusal.status, refusal.hasRetryAfter], [name, status, status === 503])
    deepEqual([answer.headers['set-cookie'], gate.egress.received], [undefined, []])
    gate.reasons.set(String(answer.headers['x-request-id']), reason)
    match(answer.body, new RegExp(`\\(request id ${String(answer.headers['x-request-id'])}\\)`))
  }
  for (const [, behaviour, user] of ALLOWS) {
    gate.internal.behave = behaviour
    equal((await sendRequest(gate)).status, 200)
    ok(takeReceived(gate)?.fields.includes(`x-forwarded-user: ${user}`))
  }
  const body = '{"error_code":"X","message":"in the authorizer\'s words"}'
  for (const [status, fields] of REFUSALS) {
    const lines = Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
    gate.internal.behave = replies(
      `Status: ${status}\r\nContent-Type: application/json\r\n${lines}\r\n${body}`,
    )
    const answer = await sendRequest(gate)
    deepEqual([answer.status, answer.body], [status, body])
    for (const [name, value] of Object.entries(fields)) equal(answer.headers[name], value)
  }
}

const comparesTargets: Check = async (gate) => {
  const client = createRawClient(() => openRaw(gate.listener()))
  for (const [sent, forwarded] of PATH_TABLE) {
    // the gate leaves this case to the sidecar
    if (forwarded === null && objectionTo(normalForm(sent)) === NAMELESS) continue
    const answer = await client.sendRequest(requestText(sent, []))
    deepEqual([sent, takeReceived(gate)?.target ?? null], [sent, forwarded])
    equal(answer.status, forwarded === null ? 400 : 200)
  }
  const { asked } = gate.internal
  const pages = gate.responder.asked
  for (const [sent, status] of OWN_PAGES) {
    const answer = await client.sendRequest(requestText(sent, []))
    deepEqual([sent, answer.status], [sent, status])
    if (status !== 200) readRefusal(answer)
  }
  client.close()
  deepEqual([gate.internal.asked, gate.egress.received], [asked, []])
  equal(gate.responder.asked - pages, OWN_PAGES.filter(([, status]) => status === 200).length)
}

const GREEDY = '127.0.0.2'

const countsConnections: Check = async (gate) => {
  const hold = () => openRaw(gate.listener(), GREEDY)
  const held = await Promise.all(Array.from({ length: LIMIT - 1 }, hold))
  const sending = (from: string) => () => openRaw(gate.listener(), from)
  const text = requestText(TARGET, [])
  equal((await sendOnce(sending(GREEDY), text)).status, 200)
  takeReceived(gate)
  held.push(...(await Promise.all([hold(), hold()])))
  await new Promise((resolve) => setTimeout(resolve, 1100)) // connections are counted once a second
  const answer = await sendOnce(sending(GREEDY), text)
  equal(readRefusal(answer).status, 429)
  equal(answer.headers['retry-after'], '5')
  equal(answer.headers.connection, 'close')
  equal((await sendOnce(sending('127.0.0.3'), text)).status, 200)
  takeReceived(gate)
  for (const socket of held) socket.destroy()
}

/** In an order in which most changes are noticed soon. */
export const REQUEST_CHECKS: readonly Check[] = [
  allowsFor,
  passesRequestOn,
  refusesMisbehaviours,
  stripsHeaders,
  comparesTargets,
  refuses,
  countsConnections,
]
