import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { redisCli } from '../harness/commands.ts'
import { pidOf } from '../harness/processes.ts'
import { reloadWith } from '../harness/reload.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { type CutNetwork, startCutNetwork } from './cut-network.ts'
import { expectServedAgain } from './unavailable.ts'

const IDLE_S = 6
/** How long an outage lasts here: longer than a session may be idle. */
const OUTAGE_MS = 1.5 * IDLE_S * 1000
const REQUEST_EVERY_MS = 1000
const CLUSTERS = '/api/2.1/clusters/list'
const SESSIONS = {
  idle_timeout_s: IDLE_S,
  absolute_timeout_s: 3600,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: brickgate.yaml reads the file
  keys: ['${file:secrets/session-key}'],
}

let stack: StackClient
let network: CutNetwork
/** a gateway whose sidecar reaches the same Redis by a network of its own */
let other: StackClient

beforeAll(async () => {
  stack = stackClient(await startStack({ config: { sessions: SESSIONS } }))
  network = await startCutNetwork(stack.info.demo.ports.redis)
  const redis = { url: `redis://127.0.0.1:${network.port}` }
  const config = { sessions: SESSIONS, redis }
  other = stackClient(await startStack({ config, sharing: stack.info }))
})

afterAll(async () => {
  other.close()
  await stopStack(other.info)
  await network.close()
  stack.close()
  await stopStack(stack.info)
})

/**
 * Uses a session every second.
 *
 * @returns the statuses of the answers
 */
async function useFor(milliseconds: number, { id }: MadeSession, by = stack): Promise<number[]> {
  const statuses: number[] = []
  const endMs = performance.now() + milliseconds
  while (performance.now() < endMs) {
    statuses.push((await by.sendAs(id, CLUSTERS)).status)
    await pause(REQUEST_EVERY_MS)
  }
  return statuses
}

function statusOf({ id }: MadeSession, by = stack): Promise<number> {
  return by.sendAs(id, CLUSTERS).then(({ status }) => status)
}

let reloads = 0

/** Makes every worker a new one, which knows nothing of before. */
function reload(): Promise<void> {
  reloads += 1
  const limits = { connections: 2048 - reloads }
  return reloadWith(stack, 'brickgate.yaml', (config) => ({ ...config, limits }))
}

/** Beyond the first moments, in which near caches may still answer. */
function later(statuses: readonly number[]): Set<number> {
  return new Set(statuses.slice(3))
}

function redisSignal(name: NodeJS.Signals): void {
  process.kill(-pidOf(stack.info, 'redis'), name)
}

const OUTAGES = [
  {
    name: 'hangs',
    meanwhile: 503,
    begin: () => redisSignal('SIGSTOP'),
    end: () => redisSignal('SIGCONT'),
  },
  {
    name: 'is full',
    meanwhile: 200,
    begin: () => redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory', '1'),
    end: () => redisCli(stack.info, 'CONFIG', 'SET', 'maxmemory', '0'),
  },
] as const

describe.each(OUTAGES)('a Redis that $name', ({ meanwhile, begin, end }) => {
  let used: MadeSession
  let idle: MadeSession
  let during: number[]

  beforeAll(async () => {
    used = await makeSession(stack)
    // Before every outage of this file: none of them excuses it.
    const createdAtSeconds = Math.floor(Date.now() / 1000) - 600
    idle = await makeSession(stack, { session: { createdAtSeconds } })
    expect(await statusOf(used)).toBe(200)
    await begin()
    const [first, reloaded] = [useFor(OUTAGE_MS / 2, used), reload()]
    during = [...(await first)]
    await reloaded
    during.push(...(await useFor(OUTAGE_MS / 2, used)))
    await end()
  })

  it('an outage of Redis logs nobody out for longer than the idle timeout, with a reload of the workers in the middle', async () => {
    expect(later(during)).toEqual(new Set([meanwhile]))
    expect(during).not.toContain(401)
    await expectServedAgain(stack, used.id)
  })

  it('an outage of Redis logs nobody out whose worker is replaced once more, when it is over', async () => {
    const [after] = await Promise.all([useFor(4000, used), reload()])
    expect(new Set(after)).toEqual(new Set([200]))
  })

  it('an outage of Redis revives no session that was idle before', async () => {
    expect(await statusOf(idle)).toBe(401)
  })
})

describe('a sidecar that is cut off from Redis, beside one that is not', () => {
  let used: MadeSession
  let usedElsewhere: MadeSession
  let unused: MadeSession
  let during: number[]

  beforeAll(async () => {
    used = await makeSession(stack)
    usedElsewhere = await makeSession(stack)
    expect(await statusOf(used, other)).toBe(200)
    network.cut()
    await vi.waitFor(async () => expect(await statusOf(used, other)).toBe(503), 5000)
    unused = await makeSession(stack)
    const elsewhere = useFor(OUTAGE_MS, usedElsewhere)
    during = await useFor(OUTAGE_MS, used, other)
    expect(new Set(await elsewhere)).toEqual(new Set([200]))
    network.mend()
  })

  it('a sidecar that is cut off from Redis logs out nobody who met only 503 there', async () => {
    expect(later(during)).toEqual(new Set([503]))
    await expectServedAgain(other, used.id)
    expect(await statusOf(used)).toBe(200) // its use is noted for both
  })

  it('a sidecar that is cut off from Redis knows of what was used by the other meanwhile', async () => {
    await expectServedAgain(other, usedElsewhere.id)
  })

  it('a sidecar that is cut off from Redis excuses nobody at another sidecar, where idleness counts', async () => {
    expect(await statusOf(unused)).toBe(401)
  })
})
