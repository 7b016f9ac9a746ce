import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { MALFORMED_REQUESTS } from '../edge/malformed-requests.ts'
import { OWN_PAGES } from '../edge/own-pages.ts'
import { NAMELESS, normalForm, objectionTo } from '../edge/path-oracle.ts'
import { PATH_TABLE } from '../edge/path-table.ts'
import { askOnce, createRawClient } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { RESERVED_HEADERS, spellings } from '../edge/reserved-headers.ts'
import {
  ALLOWS,
  allow,
  MISBEHAVIOURS,
  PREVIOUS_PROOF,
  PROOFS,
  REFUSALS,
  replies,
} from '../fail-closed/misbehaviours.ts'
import { openRaw } from '../harness/answer.ts'
import { readRefusal } from '../harness/refusals.ts'
import { ask, type Check, TARGET, takeReceived } from './check.ts'
import { EXTERNAL, LIMIT, type Received } from './gate-fixture.ts'

const EVERYTHING = {
  BRICKGATE_EMAIL: 'alice@example.com',
  BRICKGATE_GROUPS: 'analysts',
  BRICKGATE_GROUPS_STATE: 'omitted',
  BRICKGATE_COOKIE: 'a=1',
  BRICKGATE_USER_AGENT: 'agent',
  BRICKGATE_WORKSPACE_ID: '12',
  BRICKGATE_TRACEPARENT: '00-1-2-03',
}
const FORGED = [
  ...['Authorization: forged', 'Cookie: forged=1', 'User-Agent: forged', 'Traceparent: own'],
  ...['X-Forwarded-For: forged', 'X-Forwarded-Host: forged', 'X-Custom: kept'],
]

function honestFields(
  tier: 'internal' | 'external',
  further: readonly string[],
): readonly string[] {
  const authority = tier === 'internal' ? 'localhost:8443' : EXTERNAL
  return [
    ...['connection: close', `host: ${authority}`, `x-brickgate-tier: ${tier}`],
    ...['x-forwarded-for: 127.0.0.1', `x-forwarded-host: ${authority}`, `x-host: ${authority}`],
    ...['x-forwarded-proto: https', 'x-forwarded-user: alice', 'x-request-id: <id>'],
    ...further,
  ].sort()
}

const BEARER = 'authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.'

/** Fields without what differs from one request to the next. */
function plain(received: Received | undefined): readonly string[] {
  return (received?.fields ?? []).map((one) =>
    one.replace(/(?<=^x-request-id: )[0-9a-f]{32}$/, '<id>'),
  )
}

const allowsFor: Check = async (bench) => {
  for (const tier of ['internal', 'external'] as const) {
    const authorizer = bench[tier]
    const variables = { ...EVERYTHING, BRICKGATE_TIER: tier }
    authorizer.behave = replies(allow(variables))
    equal((await ask(bench, FORGED, { tier })).status, 200)
    const whole = takeReceived(bench)
    const proof = `x-brickgate-proof: ${PROOFS[0]}`
    equal(whole?.target, TARGET)
    deepEqual(
      plain(whole),
      honestFields(tier, [
        BEARER,
        proof,
        'x-custom: kept',
        'cookie: a=1',
        'user-agent: agent',
        'traceparent: 00-1-2-03',
        'x-brickgate-groups: omitted',
        'x-databricks-org-id: 12',
        'x-databricks-workspace-id: 12',
        'x-forwarded-email: alice@example.com',
        'x-forwarded-groups: analysts',
      ]),
    )
    authorizer.behave = replies(allow({ BRICKGATE_TIER: tier, BRICKGATE_PROOF: PREVIOUS_PROOF }))
    await ask(bench, [...FORGED, 'X-Databricks-Org-Id: forged', 'X-Brickgate-Groups: forged'], {
      tier,
    })
    deepEqual(
      plain(takeReceived(bench)),
      honestFields(tier, [
        BEARER,
        `x-brickgate-proof: ${PROOFS[1]}`,
        'x-custom: kept',
        'traceparent: own',
      ]),
    )
  }
}

/** The request that the authorizer gets. */
const asksRightly: Check = async (bench) => {
  let asked = ''
  bench.internal.behave = (socket, request) => {
    asked = request.toString('latin1')
    socket.end()
  }
  await ask(bench, ['X-Forwarded-User: forged'])
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
  await ask(bench, ['Connection: Upgrade', 'Upgrade: WebSocket'])
  ok(asked.includes('HTTP_X_BRICKGATE_UPGRADEwebsocket'))
  await ask(bench, ['Connection: Upgrade', 'Upgrade: h2c'])
  ok(!/HTTP_UPGRADE|HTTP_X_BRICKGATE_UPGRADE/.test(asked))
  await ask(bench, ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'], {
    method: 'POST',
  })
  ok(!/HTTP_UPGRADE|HTTP_X_BRICKGATE_UPGRADE/.test(asked))
}

/** Refusals by the gate itself; the access log is looked at when lighttpd has ended. */
const refuses: Check = async (bench) => {
  for (const { bytes, status, errorCode, reason } of MALFORMED_REQUESTS) {
    const answer = await askOnce(() => openRaw(bench.listener()), bytes)
    deepEqual(readRefusal(answer), { status, errorCode, challenge: null, hasRetryAfter: false })
    bench.reasons.set(String(answer.headers['x-request-id']), reason)
    if (status === 405) match(String(answer.headers.allow), /^GET, .*OPTIONS$/)
    ok(!answer.body.includes('429'))
  }
  const claims = await ask(bench, ['X-Brickgate-Upgrade: websocket'])
  equal(readRefusal(claims).status, 400)
  const { asked } = bench.internal
  equal((await ask(bench, headers(199))).status, 200)
  equal((await ask(bench, headers(200))).status, 431)
  takeReceived(bench)
  deepEqual([bench.internal.asked, bench.egress.received], [asked + 1, []])
}

function headers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `X${at}: b`)
}

const judgesAuthorizers: Check = async (bench) => {
  for (const [name, behaviour, status, reason] of MISBEHAVIOURS) {
    bench.internal.behave = behaviour
    const answer = await ask(bench)
    const refusal = readRefusal(answer)
    deepEqual([name, refusal.status, refusal.hasRetryAfter], [name, status, status === 503])
    deepEqual([answer.headers['set-cookie'], bench.egress.received], [undefined, []])
    bench.reasons.set(String(answer.headers['x-request-id']), reason)
    match(answer.body, new RegExp(`\\(request id ${String(answer.headers['x-request-id'])}\\)`))
  }
  for (const [, behaviour, user] of ALLOWS) {
    bench.internal.behave = behaviour
    equal((await ask(bench)).status, 200)
    ok(takeReceived(bench)?.fields.includes(`x-forwarded-user: ${user}`))
  }
  const body = '{"error_code":"X","message":"in the authorizer\'s words"}'
  for (const [status, fields] of REFUSALS) {
    const lines = Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
    bench.internal.behave = replies(
      `Status: ${status}\r\nContent-Type: application/json\r\n${lines}\r\n${body}`,
    )
    const answer = await ask(bench)
    deepEqual([answer.status, answer.body], [status, body])
    for (const [name, value] of Object.entries(fields)) equal(answer.headers[name], value)
  }
}

const judgesTargets: Check = async (bench) => {
  const client = createRawClient(() => openRaw(bench.listener()))
  for (const [sent, forwarded] of PATH_TABLE) {
    // this one the gate leaves to the sidecar
    if (forwarded === null && objectionTo(normalForm(sent)) === NAMELESS) continue
    const answer = await client.ask(requestText(sent, []))
    deepEqual([sent, takeReceived(bench)?.target ?? null], [sent, forwarded])
    equal(answer.status, forwarded === null ? 400 : 200)
  }
  const { asked } = bench.internal
  const pages = bench.responder.asked
  for (const [sent, status] of OWN_PAGES) {
    const answer = await client.ask(requestText(sent, []))
    deepEqual([sent, answer.status], [sent, status])
    if (status !== 200) readRefusal(answer)
  }
  client.close()
  deepEqual([bench.internal.asked, bench.egress.received], [asked, []])
  equal(bench.responder.asked - pages, OWN_PAGES.filter(([, status]) => status === 200).length)
}

const PASSED = [
  ...['x-databricks-sea-can-run-fully-sync', 'x-databricks-metadata-operation-type'],
  ...['x-databricks-require-thrift-native-metadata', 'x-databricks-endpoints-api-client'],
  ...['x-databricks-uc-table-name', 'x-databricks-use-coding-agent-mode', 'x-goog-api-client'],
  ...['x-ms-client-request-id', 'x-stainless-lang'],
]

const stripsHeaders: Check = async (bench) => {
  await ask(bench)
  const honest = plain(takeReceived(bench))
  for (let at = 0; at < RESERVED_HEADERS.length; at += 10) {
    const names = RESERVED_HEADERS.slice(at, at + 10).flatMap(spellings)
    equal(
      (
        await ask(
          bench,
          names.map((name) => `${name}: forged`),
        )
      ).status,
      200,
    )
    deepEqual(plain(takeReceived(bench)), honest)
  }
  const names = [...RESERVED_HEADERS]
  while (names.length > 0) {
    const forged = names.splice(0, 150).map((name) => `${name}: forged`)
    equal((await ask(bench, forged)).status, 200)
    deepEqual(plain(takeReceived(bench)), honest)
  }
  await ask(
    bench,
    PASSED.map((name) => `${name.toUpperCase()}: 1`),
  )
  deepEqual(plain(takeReceived(bench)), [...honest, ...PASSED.map((name) => `${name}: 1`)].sort())
}

const GREEDY = '127.0.0.2'

const countsConnections: Check = async (bench) => {
  const hold = () => openRaw(bench.listener(), GREEDY)
  const held = await Promise.all(Array.from({ length: LIMIT - 1 }, hold))
  const asking = (from: string) => () => openRaw(bench.listener(), from)
  const text = requestText(TARGET, [])
  equal((await askOnce(asking(GREEDY), text)).status, 200)
  takeReceived(bench)
  held.push(...(await Promise.all([hold(), hold()])))
  await new Promise((resolve) => setTimeout(resolve, 1100)) // connections are counted once a second
  const answer = await askOnce(asking(GREEDY), text)
  equal(readRefusal(answer).status, 429)
  equal(answer.headers['retry-after'], '5')
  equal(answer.headers.connection, 'close')
  equal((await askOnce(asking('127.0.0.3'), text)).status, 200)
  takeReceived(bench)
  for (const socket of held) socket.destroy()
}

/** In an order in which most changes are noticed soon. */
export const REQUEST_CHECKS: readonly Check[] = [
  allowsFor,
  asksRightly,
  judgesAuthorizers,
  stripsHeaders,
  judgesTargets,
  refuses,
  countsConnections,
]
