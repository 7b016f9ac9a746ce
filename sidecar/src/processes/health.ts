import type { RemoteKeys } from '../adapters/jwks/remote-keys.ts'
import { type RedisClient, SILENT_REDIS } from '../adapters/redis/client.ts'
import { probeRedis } from '../adapters/redis/health.ts'
import { createRedisKeyValues } from '../adapters/redis/key-values.ts'
import { SYSTEM_CLOCK } from '../adapters/system-clock.ts'
import type { Config } from '../config/schema.ts'
import type { Snapshot } from '../observe/aggregate.ts'
import type { PrimaryMetrics } from '../observe/metrics.ts'
import { lostBeforeSeconds } from '../revocation/state-loss.ts'
import { showState } from '../store/state-record.ts'
import { longestAcceptanceSeconds } from '../wiring/trusted-issuers.ts'
import type { PartState } from './admin-server.ts'
import { ROLES } from './messages.ts'
import { NO_PASSWORD, type PasswordWatch } from './password-watch.ts'
import type { Pool } from './pool.ts'

/** The sources from which the primary knows the health of its sidecar. */
export interface Vitals {
  readonly config: Config
  readonly keys: Pick<RemoteKeys, 'ageSeconds'>
  readonly pool: Pick<Pool, 'workers' | 'failure'>
  readonly passwords: Pick<PasswordWatch, 'isPasswordNeeded'>
}

/** The state of each part that traffic depends on. */
export async function readiness(
  vitals: Vitals,
  redis: RedisClient,
): Promise<Readonly<Record<string, PartState>>> {
  const ready = readyWorkers(vitals)
  const configured = configuredWorkers(vitals.config)
  return {
    redis: await redisPart(vitals, redis),
    keys: keysPart(vitals),
    workers: { ok: ready === configured, ready, configured, ...failures(vitals) },
  }
}

/** The primary's own metrics, with current gauges. */
export async function ownMetrics(
  metrics: PrimaryMetrics,
  vitals: Vitals,
  redis: RedisClient,
): Promise<Snapshot> {
  const { config } = vitals
  for (const { name } of config.issuers) {
    const age = vitals.keys.ageSeconds(name)
    if (age === null) metrics.jwksAge.remove({ issuer: name })
    else metrics.jwksAge.set({ issuer: name }, age)
  }
  metrics.workers.set({ state: 'configured' }, configuredWorkers(config))
  metrics.workers.set({ state: 'ready' }, readyWorkers(vitals))
  metrics.limits.set({ limit: 'state_staleness' }, config.revocation.max_staleness_ms / 1000)
  metrics.limits.set({ limit: 'jwks_refresh' }, config.jwks.refresh_s)
  metrics.limits.set({ limit: 'jwks_age' }, config.jwks.max_stale_s)
  const isLost = await isStateLost(redis, config)
  if (isLost === null) metrics.stateLost.remove()
  else metrics.stateLost.set(isLost ? 1 : 0)
  return metrics.registry.getMetricsAsJSON()
}

/** @returns null while Redis does not answer */
async function isStateLost(redis: RedisClient, config: Config): Promise<boolean | null> {
  const shown = await showState(createRedisKeyValues(redis, SILENT_REDIS))
  if (!shown.ok) return null
  const nowSeconds = SYSTEM_CLOCK.nowSeconds()
  return lostBeforeSeconds(shown.value.value, nowSeconds, longestAcceptanceSeconds(config)) > 0
}

/** A Redis without a password is ready, with a warning: on a private loopback it does no harm. */
async function redisPart({ passwords }: Vitals, redis: RedisClient): Promise<PartState> {
  const { isUp, evictionPolicy, isReady } = await probeRedis(redis)
  const isNeeded = passwords.isPasswordNeeded()
  return {
    ok: isReady,
    up: isUp,
    eviction_policy: evictionPolicy,
    needs_password: isNeeded,
    ...(isNeeded === false ? { warning: NO_PASSWORD } : {}),
  }
}

function keysPart({ config, keys }: Vitals): PartState {
  const issuers = config.issuers.map(({ name }) => {
    const age = keys.ageSeconds(name)
    const ok = age !== null && age <= config.jwks.max_stale_s
    return [name, { ok, age_s: age === null ? null : Math.round(age) }] as const
  })
  return { ok: issuers.every(([, part]) => part.ok), ...Object.fromEntries(issuers) }
}

/** Why workers of a role cannot start, each under its role. */
function failures({ pool }: Vitals): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ROLES.flatMap((role) => {
      const failure = pool.failure(role)
      return failure === null ? [] : [[`${role}_failure`, failure] as const]
    }),
  )
}

/** The authorizers, and the responder. */
function configuredWorkers(config: Config): number {
  return config.runtime.workers + 1
}

function readyWorkers({ pool }: Vitals): number {
  return pool.workers().filter((worker) => worker.state === 'ready').length
}
