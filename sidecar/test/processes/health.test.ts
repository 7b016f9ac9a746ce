import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedis } from '../../src/adapters/redis/client.ts'
import type { Config } from '../../src/config/schema.ts'
import { createPrimaryMetrics } from '../../src/observe/metrics.ts'
import { ownMetrics, readiness, type Vitals } from '../../src/processes/health.ts'
import type { WorkerLink, WorkerState } from '../../src/processes/worker-link.ts'
import { redisLog } from '../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedisServer()
  const settings = { url: server.url, username: null, password: null, ca: null }
  redis = openRedis(settings, redisLog())
  await new Promise((resolve) => redis.once('ready', resolve))
})

afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const WELL = { ok: true, up: true, eviction_policy: 'noeviction', needs_password: true }
const ALL_READY: readonly WorkerState[] = ['ready', 'ready', 'ready']

describe('readiness', () => {
  it.each([
    ['all is well', { okta: 5, entra: 0 }, ALL_READY, [true, true]],
    ['keys are missing', { okta: 5, entra: null }, ALL_READY, [false, true]],
    ['keys are as old as they may be', { okta: 100, entra: 0 }, ALL_READY, [true, true]],
    ['keys are too old', { okta: 100.1, entra: 0 }, ALL_READY, [false, true]],
    ['a worker is missing', { okta: 5, entra: 0 }, ['ready', 'ready'], [true, false]],
    ['a worker starts', { okta: 5, entra: 0 }, ['ready', 'ready', 'starting'], [true, false]],
    [
      'a worker ends that has a successor',
      { okta: 5, entra: 0 },
      [...ALL_READY, 'draining'],
      [true, true],
    ],
  ] as const)('when %s', async (_name, ages, states, [keys, workers]) => {
    const parts = await readiness(vitals(ages, states), redis)
    expect(parts['redis']).toEqual(WELL)
    expect([parts['keys']?.ok, parts['workers']?.ok]).toEqual([keys, workers])
  })

  it('names every issuer with the age of its keys', async () => {
    const { keys } = await readiness(vitals({ okta: 5.4, entra: null }, ALL_READY), redis)
    expect(keys).toEqual({
      ok: false,
      okta: { ok: true, age_s: 5 },
      entra: { ok: false, age_s: null },
    })
  })

  it('shows why workers cannot start', async () => {
    const why = "EACCES: permission denied, open '/var/log/brickgate/audit.log'"
    const { workers } = await readiness(vitals({ okta: 0, entra: 0 }, ['ready'], why), redis)
    expect(workers).toEqual({ ok: false, ready: 1, configured: 3, authorizer_failure: why })
  })

  it('warns of a Redis that needs no password, and is ready', async () => {
    const passwords = { isPasswordNeeded: () => false }
    const open = { ...vitals({ okta: 0, entra: 0 }, ALL_READY), passwords }
    const { redis: part } = await readiness(open, redis)
    const warning = expect.stringMatching(/^redis needs no password: /)
    expect(part).toEqual({ ...WELL, needs_password: false, warning })
  })

  it('shows that it is not known yet whether Redis needs a password', async () => {
    const passwords = { isPasswordNeeded: () => null }
    const early = { ...vitals({ okta: 0, entra: 0 }, ALL_READY), passwords }
    expect((await readiness(early, redis))['redis']).toEqual({ ...WELL, needs_password: null })
  })

  it('shows an eviction policy that could un-revoke', async () => {
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const { redis: part } = await readiness(vitals({ okta: 0, entra: 0 }, ALL_READY), redis)
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    expect(part).toEqual({ ...WELL, ok: false, eviction_policy: 'allkeys-lru' })
  })
})

describe('the own metrics of the primary', () => {
  it('have the age of the keys of each issuer that has some', async () => {
    const metrics = createPrimaryMetrics('1.2.3')
    await ownMetrics(metrics, vitals({ okta: 5, entra: 7 }, ALL_READY), redis)
    await ownMetrics(metrics, vitals({ okta: 6, entra: null }, ['ready', 'starting']), redis)
    const page = await metrics.registry.metrics()
    expect(page).toContain('brickgate_jwks_age_seconds{issuer="okta"} 6\n')
    expect(page).not.toContain('entra')
    expect(page).toContain('brickgate_workers{state="configured"} 3\n')
    expect(page).toContain('brickgate_workers{state="ready"} 1\n')
  })

  it('have the bounds that alerts compare with', async () => {
    const page = await ownPage(redis)
    expect(page).toContain('brickgate_limit_seconds{limit="state_staleness"} 1.5\n')
    expect(page).toContain('brickgate_limit_seconds{limit="jwks_refresh"} 50\n')
    expect(page).toContain('brickgate_limit_seconds{limit="jwks_age"} 100\n')
  })

  const nowSeconds = Math.floor(Date.now() / 1000)
  it.each([
    ['nothing was lost', JSON.stringify({ id: 'a', since: 0 }), 0],
    ['a loss is in force', JSON.stringify({ id: 'a', since: nowSeconds - 60 }), 1],
    ['a loss is over', JSON.stringify({ id: 'a', since: nowSeconds - 700 }), 0],
    ['the record is missing', null, 1],
    ['the record cannot be read', 'garbage', 1],
  ])('say of the state that %s', async (_name, record, lost) => {
    await (record === null ? server.cli('DEL', 'bg:state') : server.cli('SET', 'bg:state', record))
    expect(await ownPage(redis)).toContain(`brickgate_state_lost ${lost}\n`)
  })

  it('say nothing of the state while Redis does not', async () => {
    const metrics = createPrimaryMetrics('1.2.3')
    await ownMetrics(metrics, vitals({ okta: 5, entra: 7 }, ALL_READY), redis)
    const gone = redis.duplicate({ lazyConnect: true })
    gone.on('error', () => undefined)
    await ownMetrics(metrics, vitals({ okta: 5, entra: 7 }, ALL_READY), gone)
    gone.disconnect()
    expect(await metrics.registry.metrics()).not.toMatch(/^brickgate_state_lost /m)
  })
})

async function ownPage(from: Redis): Promise<string> {
  const metrics = createPrimaryMetrics('1.2.3')
  await ownMetrics(metrics, vitals({ okta: 5, entra: 7 }, ALL_READY), from)
  return metrics.registry.metrics()
}

function vitals(
  ages: Readonly<Record<string, number | null>>,
  states: readonly WorkerState[],
  failure: string | null = null,
): Vitals {
  const config = {
    issuers: [{ name: 'okta' }, { name: 'entra' }],
    jwks: { refresh_s: 50, max_stale_s: 100 },
    revocation: { max_staleness_ms: 1500, max_token_lifetime_s: 600, clock_skew_s: 5 },
    tokens: { leeway_s: 60 },
    runtime: { workers: 2 },
  }
  return {
    config: config as unknown as Config, // as much of it as is read
    keys: { ageSeconds: (issuerName) => ages[issuerName] ?? null },
    passwords: { isPasswordNeeded: () => true },
    pool: {
      workers: () => states.map((state) => ({ state }) as WorkerLink),
      failure: (role) => (role === 'authorizer' ? failure : null),
    },
  }
}
