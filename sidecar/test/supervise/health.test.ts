import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedis } from '../../src/adapters/redis.ts'
import type { Config } from '../../src/config/schema.ts'
import { createPrimaryMetrics } from '../../src/observe/metrics.ts'
import { ownMetrics, readiness, type Vitals } from '../../src/supervise/health.ts'
import type { WorkerLink, WorkerState } from '../../src/supervise/worker-link.ts'
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
    expect(parts['redis']).toEqual({ ok: true, up: true, eviction_policy: 'noeviction' })
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

  it('shows an eviction policy that could un-revoke', async () => {
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const { redis: part } = await readiness(vitals({ okta: 0, entra: 0 }, ALL_READY), redis)
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    expect(part).toEqual({ ok: false, up: true, eviction_policy: 'allkeys-lru' })
  })
})

describe('the own metrics of the primary', () => {
  it('have the age of the keys of each issuer that has some', async () => {
    const metrics = createPrimaryMetrics('1.2.3')
    await ownMetrics(metrics, vitals({ okta: 5, entra: 7 }, ALL_READY))
    await ownMetrics(metrics, vitals({ okta: 6, entra: null }, ['ready', 'starting']))
    const page = await metrics.registry.metrics()
    expect(page).toContain('brickgate_jwks_age_seconds{issuer="okta"} 6\n')
    expect(page).not.toContain('entra')
    expect(page).toContain('brickgate_workers{state="configured"} 3\n')
    expect(page).toContain('brickgate_workers{state="ready"} 1\n')
  })
})

function vitals(
  ages: Readonly<Record<string, number | null>>,
  states: readonly WorkerState[],
): Vitals {
  const config = {
    issuers: [{ name: 'okta' }, { name: 'entra' }],
    jwks: { max_stale_s: 100 },
    runtime: { workers: 2 },
  }
  return {
    config: config as unknown as Config, // as much of it as is read
    keys: { ageSeconds: (alias) => ages[alias] ?? null },
    pool: { workers: () => states.map((state) => ({ state }) as WorkerLink) },
  }
}
