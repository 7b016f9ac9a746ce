import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, ensureServes, unauthorized, unavailable } from '../harness/refusals.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { withRandomKid } from './tokens.ts'

const PATH = '/api/2.1/clusters/list'
const ALICE = { sub: 'alice', groups: ['analysts'] }
const COOLDOWN_S = 4
const ROTATIONS = 3

let stack: StackClient
let known: string

beforeAll(async () => {
  const jwks = { refresh_s: 300, cooldown_s: COOLDOWN_S, max_stale_s: 600 }
  stack = stackClient(await startStack({ config: { jwks } }))
  known = await stack.mint(ALICE)
  await ensureServes(stack, known)
})

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

it('a token with a made-up key id is 401 at once where a fetch is to be had', async () => {
  const answer = await stack.sendAs(withRandomKid(known), PATH)
  expect(await auditedRefusal(stack, answer)).toMatchObject({ status: 401, reason: 'unknown-key' })
})

it('made-up key ids every half second cost no honest token a 401 when keys rotate', async () => {
  await stack.idp('DELETE', 'stats')
  const sinceMs = performance.now()
  const attack = startAttack()
  const honest: number[] = []
  for (let rotation = 0; rotation < ROTATIONS; rotation++) {
    await stack.idp('POST', 'keys/rotate')
    const rotated = await stack.mint(ALICE)
    do {
      honest.push((await stack.sendAs(rotated, PATH)).status)
      await pause(150)
    } while (honest.at(-1) !== 200)
  }
  const made = await attack.stop()
  const cooldowns = (performance.now() - sinceMs) / 1000 / COOLDOWN_S
  const { jwks } = (await stack.idp('GET', 'stats')) as { jwks: number }

  expect(honest.filter((status) => status !== 200 && status !== 503)).toEqual([])
  expect(made.filter((status) => status !== 401 && status !== 503)).toEqual([])
  expect(jwks).toBeLessThanOrEqual(2 * Math.ceil(cooldowns))
  process.stdout.write(
    `${ROTATIONS} rotations in ${cooldowns.toFixed(1)} cooldowns: ${jwks} fetches, ` +
      `${honest.filter((status) => status === 503).length} of ${honest.length} honest requests 503, 0 401\n`,
  )
}, 60_000)

it('a made-up key id within the cooldown is 503, and 401 once a later fetch lacks it', async () => {
  const token = withRandomKid(known)
  for (const id of [token, withRandomKid(known), withRandomKid(known)]) await send(id)
  const fresh = withRandomKid(known)
  await stack.forgetUpstreamRequests()
  const early = await auditedRefusal(stack, await stack.sendAs(fresh, PATH))
  expect(early).toEqual(unavailable('keys-unavailable'))
  await expect.poll(() => send(fresh), { timeout: 3 * COOLDOWN_S * 1000 }).toBe(401)
  const late = await auditedRefusal(stack, await stack.sendAs(token, PATH))
  expect([unauthorized('unknown-key'), unavailable('keys-unavailable')]).toContainEqual(late)
})

async function send(token: string): Promise<number> {
  return (await stack.sendAs(token, PATH)).status
}

function startAttack(): { stop(): Promise<readonly number[]> } {
  const statuses: number[] = []
  const over = new AbortController()
  const running = (async () => {
    while (!over.signal.aborted) {
      statuses.push(await send(withRandomKid(known)))
      await pause(500)
    }
  })()
  return {
    async stop() {
      over.abort()
      await running
      return statuses
    },
  }
}
