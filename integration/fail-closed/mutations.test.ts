import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, send } from '../harness/answer.ts'
import { type Behaviour, forwardToSidecar } from '../harness/authorizer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { end, stdout } from '../harness/fastcgi.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { socketPath } from '../harness/processes.ts'
import { type RelayedGate, startRelayedGate } from '../harness/relayed-gate.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { type EgressRelay, relayEgress } from './egress-relay.ts'
import { allow, replies, sends } from './misbehaviours.ts'
import { MUTATIONS } from './mutations.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const TARGETS = [
  CLUSTERS,
  '/',
  '/Api/2.1/x',
  '/x.lua',
  '/etc/passwd',
  '/_brickgatex',
  '//brickgate-authorized',
  '//brickgate-check',
]
const TIERS = ['internal', 'external'] as const

let stack: StackClient
let alice: string
let refused: readonly (readonly [name: string, behaviour: Behaviour, token: string])[]

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const iat = Math.floor(Date.now() / 1000) - 120
  const expired = await stack.mint({ sub: 'alice', groups: ['analysts'], iat, exp: iat + 60 })
  const sidecar = forwardToSidecar(socketPath(stack.info, 'authorizer-internal-0'))
  refused = [
    ['no token', sidecar, ''],
    ['an expired token', sidecar, expired],
    ['a token for another audience', sidecar, await stack.mint({ sub: 'alice', aud: 'api://x' })],
    ['END_REQUEST only', sends(end()), alice],
    ['200 without a proof', replies('Status: 200\r\n\r\n'), alice],
    ['200 with a wrong proof', replies(allow()), alice],
    ['an allow that is cut', sends(stdout(allow()).subarray(0, 40)), alice],
  ]
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(testedLighttpds())('with lighttpd $version', (tested) => {
  let gate: RelayedGate
  let egress: EgressRelay

  afterEach(async () => {
    await egress.close()
    await gate.stop()
  })

  function sendRequest(
    target: string,
    token: string,
    tier: (typeof TIERS)[number] = 'internal',
  ): Promise<Answer> {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    return send(gate.listener(tier), target, { headers })
  }

  /** Sends all requests that must be refused; resolves to the faults. */
  async function problems(): Promise<readonly string[]> {
    const found: string[] = []
    for (const [name, behaviour, token] of refused) {
      gate.authorizer.behave = behaviour
      for (const answer of await Promise.all(TARGETS.map((target) => sendRequest(target, token)))) {
        if (answer.status < 400) found.push(`${name}: ${answer.status}`)
        if (/root:|package\.path/.test(answer.body)) found.push(`${name}: ${answer.body}`)
      }
      const requests = await stack.upstreamRequests()
      found.push(...requests.map(({ target }) => `${name}: the workspace received ${target}`))
    }
    return found
  }

  describe('nobody passes who should not when', () => {
    it.each(MUTATIONS)('nobody passes who should not when %s', async (_name, mutate, outcome) => {
      gate = await startRelayedGate(stack.info, { tested, mutate, egress: 'none' })
      egress = await relayEgress(gate.socket('egress'), socketPath(stack.info, 'egress'))
      await expectAlice(outcome !== 'refuses')
      const before = egress.requests
      await stack.forgetUpstreamRequests()
      expect(await problems()).toEqual([])
      if (outcome !== 'egress refuses') expect(egress.requests).toBe(before)
    })
  })

  async function expectAlice(isServed: boolean): Promise<void> {
    for (const tier of TIERS) {
      const { status } = await sendRequest(CLUSTERS, alice, tier)
      expect({ tier, isServed: status < 400 }).toEqual({ tier, isServed })
    }
    const users = (await stack.upstreamRequests()).flatMap((request) =>
      valuesOf(request, 'x-forwarded-user'),
    )
    expect(users).toEqual(isServed ? ['alice', 'alice'] : [])
    if (!isServed) expect(egress.requests).toBe(0)
  }
})
