import type { Server } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { RemoteKeys } from '../adapters/jwks/remote-keys.ts'
import { type RedisClient, SILENT_REDIS } from '../adapters/redis/client.ts'
import { SYSTEM_CLOCK } from '../adapters/system-clock.ts'
import { ConfigError } from '../config/config-error.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../config/version.ts'
import { createAggregate } from '../observe/aggregate.ts'
import { type Logger } from '../observe/log.ts'
import { createPrimaryMetrics } from '../observe/metrics.ts'
import { openTracing, type Tracing } from '../observe/tracing.ts'
import type { RedisNews } from '../session/outage.ts'
import { keyOrigins, openConfiguredKeys } from '../wiring/issuer-keys.ts'
import { openConfiguredRedis } from '../wiring/redis.ts'
import { createAdminServer, listenOn } from './admin-server.ts'
import { watchCertificates } from './certificate-watch.ts'
import { logWarnings } from './config-warnings.ts'
import { watchFiles } from './file-watch.ts'
import { ownMetrics, readiness, type Vitals } from './health.ts'
import type { FromWorker, Role, ToWorker } from './messages.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { createPool, type Pool, type PoolObserver } from './pool.ts'
import { createRedisMonitor, type RedisMonitor } from './redis-monitor.ts'
import { createScrape, type Scrape } from './scrape.ts'
import { type Slot } from './slots.ts'
import { workerEvents } from './worker-events.ts'
import type { WorkerLink } from './worker-link.ts'

/** The primary process of a sidecar. */
export interface Supervisor {
  start(): Promise<void>
  /** lets the workers finish their requests */
  stop(): Promise<void>
}

export interface SupervisorDeps {
  readonly load: () => LoadedConfig
  readonly slot: Slot
  readonly log: Logger
}

/** @param first the configuration to start with */
export function createSupervisor(first: LoadedConfig, deps: SupervisorDeps): Supervisor {
  return new PrimarySupervisor(first, deps)
}

class PrimarySupervisor implements Supervisor {
  readonly #deps: SupervisorDeps
  readonly #first: Config
  readonly #metrics = createPrimaryMetrics(VERSION)
  readonly #aggregate = createAggregate()
  readonly #monitor: RedisMonitor
  readonly #pool: Pool
  readonly #scrape: Scrape
  readonly #admin: Server
  /** the configuration in force, and the parts that it decides */
  #loaded: LoadedConfig
  #tracing: Tracing | null
  #redis: RedisClient
  #keys: RemoteKeys
  /** which keys those in force are: workers ignore what others still send */
  #keyGeneration = 0
  /** keys for a configuration that is being taken up */
  #fetching: RemoteKeys | null = null
  /** files whose change asks for a reload */
  #watched: readonly string[]
  readonly #started = Promise.withResolvers<void>()
  readonly #reloading = oneAtATime(() => this.#reload())
  #lastReload = Promise.resolve()
  #isEnding = false
  #endWatches: readonly (() => void)[] = []

  constructor(first: LoadedConfig, deps: SupervisorDeps) {
    this.#deps = deps
    this.#first = first.config
    this.#loaded = first
    this.#watched = first.files
    this.#tracing = this.#traceFor(first.config)
    this.#redis = openConfiguredRedis(first.config, SILENT_REDIS)
    this.#monitor = this.#watchedRedis()
    this.#pool = createPool({
      strength: (role) => (role === 'authorizer' ? this.#loaded.config.runtime.workers : 1),
      startMessage: (role) => this.#startMessage(role),
      nowMs: SYSTEM_CLOCK.monotonicMs,
      observer: this.#poolObserver(),
    })
    this.#keys = this.#fetchKeys(first.config, this.#keyGeneration)
    this.#scrape = createScrape({
      pool: this.#pool,
      aggregate: this.#aggregate,
      onSilent: () => this.#metrics.silentWorkers.inc(),
      own: () => ownMetrics(this.#metrics, this.#vitals(), this.#redis),
    })
    this.#admin = createAdminServer({
      metrics: this.#scrape.page,
      isAlive: () => this.#pool.workers().some(isServing),
      parts: () => readiness(this.#vitals(), this.#redis),
    })
  }

  async start(): Promise<void> {
    process.on('SIGHUP', () => this.#reloadSoon())
    await listenOn(this.#admin, this.#first.admin.listen) // the only step that can fail comes first
    if (this.#isEnding) return void this.#admin.close() // `stop` came first
    this.#keys.start()
    this.#monitor.follow(this.#redis)
    this.#pool.start()
    this.#endWatches = [
      watchCertificates(() => this.#loaded.config, this.#metrics),
      watchFiles(
        () => this.#watched,
        () => this.#reloadSoon(),
      ),
    ]
    this.#started.resolve()
  }

  #vitals(): Vitals {
    return {
      config: this.#loaded.config,
      keys: this.#keys,
      pool: this.#pool,
      passwords: this.#monitor,
    }
  }

  #watchedRedis(): RedisMonitor {
    return createRedisMonitor({
      clock: SYSTEM_CLOCK,
      log: this.#deps.log,
      broadcast: (news) => this.#passOn(news),
      onMemory: this.#metrics.setRedisMemory,
    })
  }

  #poolObserver(): PoolObserver {
    return {
      message: (worker, message) => void this.#receive(worker, message),
      disconnected: (worker) => this.#forget(worker),
      ...workerEvents(this.#metrics, this.#deps.log),
    }
  }

  #startMessage(role: Role): ToWorker {
    return {
      type: 'start',
      role,
      slot: this.#deps.slot.number,
      loaded: this.#loaded,
      keyGeneration: this.#keyGeneration,
      keySets: this.#keys.sets(),
      redisNews: this.#monitor.news(),
    }
  }

  #reloadSoon(): void {
    this.#lastReload = this.#started.promise.then(() => this.#reloading())
  }

  /** INVARIANT: nothing is created after this began: a connection would outlive the end. */
  async stop(): Promise<void> {
    this.#isEnding = true
    for (const end of this.#endWatches) end()
    this.#started.resolve()
    await Promise.all([this.#pool.drain(), this.#fetching?.close()])
    await this.#lastReload
    this.#monitor.close()
    await this.#keys.close()
    this.#admin.closeAllConnections()
    this.#admin.close()
    this.#redis.disconnect()
    await this.#tracing?.close()
  }

  #passOn(news: RedisNews): void {
    this.#pool.broadcast({ type: 'redis-news', news })
  }

  #forget({ id }: WorkerLink): void {
    this.#aggregate.ended(id)
    this.#monitor.gone(id)
  }

  #traceFor(config: Config): Tracing | null {
    const onFailing = (error: unknown): void =>
      this.#deps.log.warn({ err: error }, 'spans cannot be sent')
    return openTracing(config.tracing, 'primary', onFailing)
  }

  #renewTracing(config: Config): void {
    if (isDeepStrictEqual(config.tracing, this.#loaded.config.tracing)) return
    void this.#tracing?.close()
    this.#tracing = this.#traceFor(config)
  }

  #fetchKeys(config: Config, ownGeneration: number): RemoteKeys {
    return openConfiguredKeys(config, {
      onKeys: (keySet) =>
        this.#pool.broadcast({ type: 'keys', keyGeneration: ownGeneration, keySet }),
      observer: {
        fetch: (issuer, result, seconds) => {
          this.#metrics.jwksFetches.inc({ issuer, result })
          this.#tracing?.alone('jwks fetch', seconds, { issuer, result })
        },
        warning: (issuer, warning) => this.#deps.log.warn({ issuer, warning }, 'keys of an issuer'),
      },
    })
  }

  async #receive(worker: WorkerLink, message: FromWorker): Promise<void> {
    if (message.type === 'metrics') this.#scrape.heard(worker.id, message.id, message.snapshot)
    if (message.type === 'redis-outage') this.#monitor.heard(worker.id, message.edge)
    if (message.type === 'unsaved-uses')
      this.#pool.broadcast({ type: 'adopt-uses', uses: message.uses })
    if (message.type !== 'refresh-keys') return
    const outcome = await this.#keys.refresh(message.issuerName)
    worker.send({ type: 'refresh-outcome', id: message.id, outcome })
  }

  async #reload(): Promise<void> {
    if (this.#isEnding) return
    try {
      const next = this.#deps.load()
      refuseMoved(next.config, this.#first)
      this.#fetching = await this.#fetchedKeys(next.config)
      if (this.#isEnding) return
      this.#takeUp(next)
      this.#metrics.reloads.inc({ result: 'ok' })
      this.#deps.log.info('the configuration was taken up')
      logWarnings(next, this.#deps.log)
    } catch (error) {
      // files of the rejected configuration are watched too: correcting one is a change
      if (error instanceof ConfigError) this.#watched = [...this.#loaded.files, ...error.files]
      this.#metrics.reloads.inc({ result: 'error' })
      this.#deps.log.error(
        { err: error },
        'the configuration was rejected; the previous one stays in force',
      )
    } finally {
      await this.#fetching?.close() // the keys that are not in force
      this.#fetching = null
    }
  }

  /**
   * INVARIANT: a configuration is in force whole or not at all, or workers could run with a
   * mixture. Only the first step can fail, and no step waits.
   */
  #takeUp(next: LoadedConfig): void {
    this.#renewRedis(next.config)
    if (this.#fetching !== null) {
      this.#fetching.start()
      ;[this.#keys, this.#fetching] = [this.#fetching, this.#keys]
      this.#keyGeneration += 1
    }
    this.#renewTracing(next.config)
    this.#loaded = next
    this.#watched = next.files
    this.#pool.replaceAll()
  }

  #renewRedis(config: Config): void {
    if (isDeepStrictEqual(config.redis, this.#loaded.config.redis)) return
    const renewed = openConfiguredRedis(config, SILENT_REDIS)
    this.#redis.disconnect()
    this.#redis = renewed
    this.#monitor.follow(this.#redis)
  }

  /**
   * Fetches keys of new issuers before any worker needs them; null where the keys in force stay.
   */
  async #fetchedKeys(config: Config): Promise<RemoteKeys | null> {
    if (isDeepStrictEqual(keyOrigins(config), keyOrigins(this.#loaded.config))) return null
    const fetched = this.#fetchKeys(config, this.#keyGeneration + 1)
    this.#fetching = fetched // for `stop`, which ends the wait
    await Promise.all(config.issuers.map(({ name }) => fetched.refresh(name)))
    return fetched
  }
}

function isServing({ role, state }: WorkerLink): boolean {
  return role === 'authorizer' && state === 'ready'
}

/** @throws {ConfigError} for settings that a running sidecar cannot change */
function refuseMoved(next: Config, first: Config): void {
  const message = 'takes a restart to change'
  const problems = [
    ...(next.runtime.directory === first.runtime.directory ? [] : ['runtime.directory']),
    ...(next.admin.listen === first.admin.listen ? [] : ['admin.listen']),
  ].map((path) => ({ path, message }))
  if (problems.length > 0) throw new ConfigError('the new configuration', problems)
}
