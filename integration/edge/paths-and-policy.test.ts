import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, openRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden, readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf } from '../harness/upstream.ts'
import { EDGES } from './edges.ts'
import { createRawClient, type RawClient } from './raw-client.ts'
import { requestText } from './requests.ts'

/** The decision of the demo's policies for an analyst at each target. */
const PERMITTED = '/api/2.1/clusters/list'
const UNPERMITTED = '/api/2.0/fs/files/Volumes/a'
const FORBIDDEN = '/api/2.0/secrets/get'

let stack: StackClient
let bob: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  bob = await stack.mint({ sub: 'bob', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)('a policy of lighttpd $version judges the path alone:', (edge) => {
  let client: RawClient

  beforeAll(() => {
    client = createRawClient(() => openRaw(stack.listener('internal', edge)))
  })

  afterAll(() => client.close())

  it.each([
    ...[
      `?x=${FORBIDDEN}`,
      `?${FORBIDDEN}`,
      `?x=${UNPERMITTED}`,
      '?',
      '??',
      '?;',
      '?x=../../secrets',
    ],
    ...['?%2e%2e/%2e%2e/secrets', '?x=%23', '?x=%3F', '?x=//', '?x=%252e'],
  ])(
    'a policy judges the path alone: a permitted path stays permitted with the query %s',
    async (query) => {
      expect((await sendRequest(`${PERMITTED}${query}`)).status).toBe(200)
      const [request] = await stack.upstreamRequests()
      expect(request?.target.split('?', 1)).toEqual([PERMITTED])
      expect(await stack.auditOf(requestIdOf(request))).toMatchObject({ path: PERMITTED })
    },
  )

  describe.each([
    [UNPERMITTED, forbidden('no-policy-permits', 'insufficient_scope')],
    [FORBIDDEN, forbidden('policy-forbid', 'insufficient_scope')],
  ])('%s is refused', (path, refusal) => {
    it.each([
      ...[
        '',
        `?${PERMITTED}`,
        `?x=${PERMITTED}`,
        `?/..${PERMITTED}`,
        `??x=${PERMITTED}`,
        '?x=/_brickgate/',
      ],
    ])(
      'a policy judges the path alone: a refused path stays refused with the query `%s` (CVE-2025-54576)',
      async (query) => {
        expect(await auditedRefusal(stack, await sendRequest(`${path}${query}`))).toEqual(refusal)
      },
    )

    it.each([...['#', `#${PERMITTED}`, `#?${PERMITTED}`, `?x#${PERMITTED}`]])(
      'a policy judges the path alone: a refused path stays refused with the fragment `%s`, which counts for nothing (CVE-2026-41059)',
      async (fragment) => {
        expect(await auditedRefusal(stack, await sendRequest(`${path}${fragment}`))).toEqual(
          refusal,
        )
      },
    )

    it.each([
      ...[`${PERMITTED}/../../../..${path}`, `${PERMITTED}/%2e%2e/%2e%2e/%2e%2e/%2e%2e${path}`],
      ...[`${PERMITTED}/..;/..;/..;/..${path}`, `/${path}`, `${PERMITTED}%23/../../../..${path}`],
      ...[`${PERMITTED}%2f..%2f..%2f..%2f..${path}`, `${path}\\..\\..`, `${path}%00${PERMITTED}`],
    ])(
      'a policy judges the path alone: a refused path stays refused as %s, which is refused before it is judged (CVE-2026-33494)',
      async (target) => {
        const answer = await sendRequest(target)
        expect(readRefusal(answer)).toMatchObject({ status: 400, errorCode: 'BAD_REQUEST' })
        expect(await stack.upstreamRequests()).toEqual([])
      },
    )
  })

  it.each(['%23', '%3F', '%3f', ';x', '%3Bx'])(
    'a policy judges the path alone: %s never ends a path',
    async (end) => {
      const answer = await sendRequest(`${FORBIDDEN}${end}${PERMITTED}`)
      expect(readRefusal(answer)).toMatchObject({ status: 400, errorCode: 'BAD_REQUEST' })
      expect(await stack.upstreamRequests()).toEqual([])
    },
  )

  it.each([
    '/api/2.0/SECRETS/get',
    '/api/2.0/%73ecrets/get',
    '/API/2.0/secrets/get',
    '/api/2.0/secret%73/get',
  ])('a policy judges the path alone: a forbid holds for %s', async (target) => {
    const answer = await sendRequest(target)
    const { reason, upstreamRequests } = await auditedRefusal(stack, answer)
    expect({ reason, upstreamRequests }).toEqual({ reason: 'policy-forbid', upstreamRequests: 0 })
  })

  function sendRequest(target: string): Promise<Answer> {
    return client.sendRequest(requestText(target, [`Authorization: Bearer ${bob}`]))
  }
})
