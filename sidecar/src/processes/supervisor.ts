import type { Server } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { RemoteKeys } from '../adapters/jwks/remote-keys.ts'
import { SILENT_REDIS } from '../adapters/redis/client.ts'
import { SYSTEM_CLOCK } from '../adapters/system-clock.ts'
import { ConfigError } from '../config/config-error.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../config/version.ts'
import { parseAddress } from '../domain/address.ts'
import { createAggregate } from '../observe/aggregate.ts'
import { type Logger } from '../observe/log.ts'
import { createPrimaryMetrics, type PrimaryMetrics } from '../observe/metrics.ts'
import { openTracing, type Tracing } from '../observe/tracing.ts'
import type { RedisNews } from '../session/outage.ts'
import { keyOrigins, openConfiguredKeys } from '../wiring/issuer-keys.ts'
import { openConfiguredRedis } from '../wiring/redis.ts'
import { createAdminServer } from './admin-server.ts'
import { watchCertificates } from './certificate-watch.ts'
import { watchFiles } from './file-watch.ts'
import { ownMetrics, readiness, type Vitals } from './health.ts'
import type { FromWorker, Role, ToWorker } from './messages.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { createPool, type PoolObserver } from './pool.ts'
import { createRedisMonitor, type RedisMonitor } from './redis-monitor.ts'
import { createScrape } from './scrape.ts'
import { type Slot } from './slots.ts'
import type { WorkerLink } from './worker-link.ts'

/** The primary process of a sidecar. */
export interface Supervisor {
  start(): Promise<void>
  /** lets the workers finish what they have */
  stop(): Promise<void>
}

export interface SupervisorDeps {
  readonly load: () => LoadedConfig
  readonly slot: Slot
  readonly log: Logger
}

/** @param first the configuration to start with */
export function createSupervisor(
  first: LoadedConfig,
  { load, slot, log }: SupervisorDeps,
): Supervisor {
  let loaded = first
  const metrics = createPrimaryMetrics(VERSION)
  let tracing = traceFor(first.config)
  const aggregate = createAggregate()
  let redis = openConfiguredRedis(first.config, SILENT_REDIS)
  const monitor = watchedRedis()
  const pool = createPool({
    strength: (role) => (role === 'authorizer' ? loaded.config.runtime.workers : 1),
    ...{ startMessage, nowMs: SYSTEM_CLOCK.monotonicMs },
    observer: poolObserver(),
  })
  let watched = first.files
  let feed = 0
  let keys = fetchKeys(first.config, feed)
  let fetching: RemoteKeys | null = null // for a configuration that is being taken up
  const started = Promise.withResolvers<void>()
  const reloading = oneAtATime(reload)
  let lastReload = Promise.resolve()
  let isEnding = false
  let endWatches: readonly (() => void)[] = []
  const scrape = createScrape({
    ...{ pool, aggregate, onSilent: () => metrics.silentWorkers.inc() },
    own: () => ownMetrics(metrics, vitals(), redis),
  })
  const admin = createAdminServer({ metrics: scrape.page, isAlive, parts })
  return { start, stop }

  async function start(): Promise<void> {
    process.on('SIGHUP', reloadSoon)
    await listenOn(admin, first.config.admin.listen) // the one step that can fail comes first
    if (isEnding) return void admin.close() // `stop` came before there was anything to close
    keys.start()
    monitor.follow(redis)
    pool.start()
    endWatches = [
      watchCertificates(() => loaded.config, metrics),
      watchFiles(() => watched, reloadSoon),
    ]
    started.resolve()
  }

  function isAlive(): boolean {
    return pool.workers().some(isServing)
  }

  function parts(): ReturnType<typeof readiness> {
    return readiness(vitals(), redis)
  }

  function vitals(): Vitals {
    return { config: loaded.config, keys, pool, passwords: monitor }
  }

  function watchedRedis(): RedisMonitor {
    return createRedisMonitor({
      ...{ clock: SYSTEM_CLOCK, log, broadcast: passOn },
      onMemory: metrics.setRedisMemory,
    })
  }

  function poolObserver(): PoolObserver {
    return {
      message: (worker, message) => void receive(worker, message),
      disconnected: forget,
      ...workerEvents(metrics, log),
    }
  }

  function startMessage(role: Role): ToWorker {
    const known = { keySets: keys.sets(), redisNews: monitor.news() }
    return { type: 'start', role, slot: slot.number, loaded, feed, ...known }
  }

  function reloadSoon(): void {
    lastReload = started.promise.then(reloading)
  }

  /** INVARIANT: nothing is made after this began, or it would outlive the end: no keys, no connection. */
  async function stop(): Promise<void> {
    isEnding = true
    for (const end of endWatches) end()
    started.resolve()
    await Promise.all([pool.drain(), fetching?.close()])
    await lastReload
    monitor.close()
    await keys.close()
    admin.closeAllConnections()
    admin.close()
    redis.disconnect()
    await tracing?.close()
  }

  function passOn(news: RedisNews): void {
    pool.broadcast({ type: 'redis-news', news })
  }

  function forget({ id }: WorkerLink): void {
    aggregate.ended(id)
    monitor.gone(id)
  }

  function traceFor(config: Config): Tracing | null {
    const onFailing = (error: unknown): void => log.warn({ err: error }, 'spans cannot be sent')
    return openTracing(config.tracing, 'primary', onFailing)
  }

  function renewTracing(config: Config): void {
    if (isDeepStrictEqual(config.tracing, loaded.config.tracing)) return
    void tracing?.close()
    tracing = traceFor(config)
  }

  function fetchKeys(config: Config, ownFeed: number): RemoteKeys {
    return openConfiguredKeys(config, {
      onKeys: (keySet) => pool.broadcast({ type: 'keys', feed: ownFeed, keySet }),
      observer: {
        fetch(issuer, result, seconds) {
          metrics.jwksFetches.inc({ issuer, result })
          tracing?.alone('jwks fetch', seconds, { issuer, result })
        },
        warning: (issuer, warning) => log.warn({ issuer, warning }, 'keys of an issuer'),
      },
    })
  }

  async function receive(worker: WorkerLink, message: FromWorker): Promise<void> {
    if (message.type === 'metrics') scrape.heard(worker.id, message.id, message.snapshot)
    if (message.type === 'redis-outage') monitor.heard(worker.id, message.edge)
    if (message.type === 'unsaved-uses') pool.broadcast({ type: 'adopt-uses', uses: message.uses })
    if (message.type !== 'refresh-keys') return
    const outcome = await keys.refresh(message.alias)
    worker.send({ type: 'refresh-outcome', id: message.id, outcome })
  }

  async function reload(): Promise<void> {
    if (isEnding) return
    try {
      const next = load()
      refuseMoved(next.config, first.config)
      fetching = await fetchedKeys(next.config)
      if (isEnding) return
      takeUp(next)
      metrics.reloads.inc({ result: 'ok' })
      log.info('the configuration was taken up')
    } catch (error) {
      // what the rejected one names is watched too: mending it is a change
      if (error instanceof ConfigError) watched = [...loaded.files, ...error.files]
      metrics.reloads.inc({ result: 'error' })
      log.error({ err: error }, 'the configuration was rejected; the previous one stays in force')
    } finally {
      await fetching?.close() // the keys that are not in force
      fetching = null
    }
  }

  /**
   * INVARIANT: a configuration is in force whole or not at all; a bad one leaves the old in force. Only
   * the first step can fail, and no step waits.
   */
  function takeUp(next: LoadedConfig): void {
    renewRedis(next.config)
    if (fetching !== null) {
      fetching.start()
      ;[keys, fetching] = [fetching, keys]
      feed += 1
    }
    renewTracing(next.config)
    loaded = next
    watched = next.files
    pool.replaceAll()
  }

  function renewRedis(config: Config): void {
    if (isDeepStrictEqual(config.redis, loaded.config.redis)) return
    const renewed = openConfiguredRedis(config, SILENT_REDIS)
    redis.disconnect()
    redis = renewed
    monitor.follow(redis)
  }

  /**
   * Has the keys of new issuers at hand, where these answer, before anyone depends on them.
   *
   * @returns null where the keys in force go on
   */
  async function fetchedKeys(config: Config): Promise<RemoteKeys | null> {
    if (isDeepStrictEqual(keyOrigins(config), keyOrigins(loaded.config))) return null
    const fetched = fetchKeys(config, feed + 1)
    fetching = fetched // for `stop`, which ends the wait
    await Promise.all(config.issuers.map(({ name }) => fetched.refresh(name)))
    return fetched
  }
}

function isServing({ role, state }: WorkerLink): boolean {
  return role === 'authorizer' && state === 'ready'
}

/** @throws {ConfigError} for what a running sidecar cannot move */
function refuseMoved(next: Config, first: Config): void {
  const message = 'takes a restart to change'
  const problems = [
    ...(next.runtime.directory === first.runtime.directory ? [] : ['runtime.directory']),
    ...(next.admin.listen === first.admin.listen ? [] : ['admin.listen']),
  ].map((path) => ({ path, message }))
  if (problems.length > 0) throw new ConfigError('the new configuration', problems)
}

function workerEvents(
  metrics: PrimaryMetrics,
  log: Logger,
): Pick<PoolObserver, 'exited' | 'killed'> {
  return {
    exited({ id, role }, isExpected, { how, shortLives, nextStartMs }) {
      if (isExpected) return log.info({ worker: id, role, how }, 'worker exited')
      metrics.workerExits.inc({ role })
      const next = { short_lives: shortLives, next_start_ms: nextStartMs }
      log.error({ worker: id, role, how, ...next }, 'worker exited')
    },
    killed: (worker, why) => log.error({ worker: worker.id, role: worker.role, why }, 'killed'),
  }
}

function listenOn(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(parseAddress(address), resolve)
  })
}
