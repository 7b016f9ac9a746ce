import { deepEqual, equal } from 'node:assert/strict'
import { RESERVED_HEADERS, spellings } from '../edge/reserved-headers.ts'
import { allow, PREVIOUS_ALLOW_MAC, PROOFS, replies } from '../fail-closed/misbehaviours.ts'
import { type Check, sendRequest, TARGET, takeReceived } from './check.ts'
import { EXTERNAL, type Received } from './gate-fixture.ts'

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

/** Fields without values that differ between requests. */
function plain(received: Received | undefined): readonly string[] {
  return (received?.fields ?? []).map((one) =>
    one.replace(/(?<=^x-request-id: )[0-9a-f]{32}$/, '<id>'),
  )
}

/** An allow sets each header of its identity, and replaces the client’s own. */
export const allowsFor: Check = async (gate) => {
  for (const tier of ['internal', 'external'] as const) {
    const authorizer = gate[tier]
    const variables = { ...EVERYTHING, BRICKGATE_TIER: tier }
    authorizer.behave = replies(allow(variables))
    equal((await sendRequest(gate, FORGED, { tier })).status, 200)
    const whole = takeReceived(gate)
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
    authorizer.behave = replies(
      allow({ BRICKGATE_TIER: tier, BRICKGATE_PROOF: PREVIOUS_ALLOW_MAC }),
    )
    await sendRequest(
      gate,
      [...FORGED, 'X-Databricks-Org-Id: forged', 'X-Brickgate-Groups: forged'],
      {
        tier,
      },
    )
    deepEqual(
      plain(takeReceived(gate)),
      honestFields(tier, [
        BEARER,
        `x-brickgate-proof: ${PROOFS[1]}`,
        'x-custom: kept',
        'traceparent: own',
      ]),
    )
  }
}

const PASSED = [
  ...['x-databricks-sea-can-run-fully-sync', 'x-databricks-metadata-operation-type'],
  ...['x-databricks-require-thrift-native-metadata', 'x-databricks-endpoints-api-client'],
  ...['x-databricks-uc-table-name', 'x-databricks-use-coding-agent-mode', 'x-goog-api-client'],
  ...['x-ms-client-request-id', 'x-stainless-lang'],
]

/** No spelling of a reserved header comes through; further headers do. */
export const stripsHeaders: Check = async (gate) => {
  await sendRequest(gate)
  const honest = plain(takeReceived(gate))
  for (let at = 0; at < RESERVED_HEADERS.length; at += 10) {
    const names = RESERVED_HEADERS.slice(at, at + 10).flatMap(spellings)
    equal(
      (
        await sendRequest(
          gate,
          names.map((name) => `${name}: forged`),
        )
      ).status,
      200,
    )
    deepEqual(plain(takeReceived(gate)), honest)
  }
  const names = [...RESERVED_HEADERS]
  while (names.length > 0) {
    const forged = names.splice(0, 150).map((name) => `${name}: forged`)
    equal((await sendRequest(gate, forged)).status, 200)
    deepEqual(plain(takeReceived(gate)), honest)
  }
  await sendRequest(
    gate,
    PASSED.map((name) => `${name.toUpperCase()}: 1`),
  )
  deepEqual(plain(takeReceived(gate)), [...honest, ...PASSED.map((name) => `${name}: 1`)].sort())
}
