import cluster from 'node:cluster'
import { flushCompileCache } from 'node:module'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { createPushedKeys } from '../adapters/jwks/pushed-keys.ts'
import { SYSTEM_CLOCK } from '../adapters/system-clock.ts'
import { VERSION } from '../config/version.ts'
import { TIERS, type Tier } from '../domain/tier.ts'
import { createAuthorizerServer } from '../fcgi/server.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { createWorkerMetrics, type WorkerMetrics } from '../observe/metrics.ts'
import { openTracing } from '../observe/tracing.ts'
import { type App, createApp } from '../wiring/worker-app.ts'
import { createKeyRequests } from './key-requests.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { endOnUnexpected } from './unexpected-end.ts'

type Start = Extract<ToWorker, { type: 'start' }>

/** A server that accepts connections until it is closed. */
interface Listening {
  /** accepts no more, resolves when every accepted request is answered */
  close(): Promise<void>
}

const ALIVE_EVERY_MS = 200
const SNAPSHOT_EVERY_MS = 1000
/** lighttpd sends at most 64 KiB of parameters */
const MAX_PARAMS_BYTES = 96 * 1024
const PARAMS_TIMEOUT_MS = 5000
/** connections that the kernel holds while workers are busy */
const BACKLOG = 1024

/** The life of a worker process: it obeys the primary, and exits when the primary is gone. */
export function runWorker(): void {
  // Signals to the group are for the primary: a worker finishes on the primary's message.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.once('disconnect', () => process.exit(0))
  process.once('message', (message: ToWorker) => {
    if (message.type === 'start') void start(message)
  })
}

async function start(message: Start): Promise<void> {
  const log = createLog(`${message.role}-${cluster.worker?.id ?? 0}`)
  endOnUnexpected(log)
  try {
    await serve(message, log)
  } catch (error) {
    log.fatal({ err: error }, 'worker failed to start')
    await send({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  }
}

async function serve(message: Start, log: Logger): Promise<void> {
  const metrics = createWorkerMetrics()
  const keyRequests = createKeyRequests((id, issuerName) => {
    void send({ type: 'refresh-keys', id, issuerName })
  })
  const keys = createPushedKeys({
    maxStaleSeconds: message.loaded.config.jwks.max_stale_s,
    clock: SYSTEM_CLOCK,
    requestKeys: keyRequests.requestKeys,
  })
  message.keySets.forEach(keys.receive)
  const tracing = openTracing(message.loaded.config.tracing, message.role, (error) =>
    log.warn({ err: error }, 'spans cannot be sent'),
  )
  const clock = SYSTEM_CLOCK
  let { redisNews } = message
  const app = createApp({
    loaded: message.loaded,
    keys,
    metrics,
    log,
    clock,
    tracing,
    redisNews: () => redisNews,
    onOutage: (edge) => void send({ type: 'redis-outage', edge }),
  })
  process.once('exit', app.close) // however the process ends
  let listening: Promise<readonly Listening[]> = Promise.resolve([])
  process.on('message', (received: ToWorker) => {
    if (received.type === 'keys' && received.keyGeneration === message.keyGeneration)
      keys.receive(received.keySet)
    if (received.type === 'refresh-outcome') keyRequests.answered(received.id, received.outcome)
    if (received.type === 'redis-news') redisNews = received.news
    if (received.type === 'adopt-uses') app.use.adopt(received.uses)
    if (received.type === 'collect') void snapshot(metrics, received.id)
    if (received.type === 'drain') void drain()
  })
  setInterval(() => void send({ type: 'alive' }), ALIVE_EVERY_MS)
  setInterval(() => void snapshot(metrics, null), SNAPSHOT_EVERY_MS)

  await app.connected()
  void send({ type: 'listening' })
  listening = listen(message, { app, metrics, log })
  await listening
  // For later workers; a killed worker would leave no cache. The call blocks, on a busy machine for
  // more than a second, so it comes before the primary listens for silence.
  flushCompileCache()
  await send({ type: 'ready' })

  async function drain(): Promise<void> {
    await Promise.all((await listening).map((one) => one.close()))
    await app.use.saveAgain(clock.nowSeconds())
    await send({ type: 'unsaved-uses', uses: app.use.unsaved() })
    app.close()
    await tracing?.close()
    await snapshot(metrics, null)
    process.exit(0)
  }
}

interface Serving {
  readonly app: App
  readonly metrics: WorkerMetrics
  readonly log: Logger
}

async function listen(message: Start, serving: Serving): Promise<readonly Listening[]> {
  const directory = message.loaded.config.runtime.directory
  const path = (name: string): string => join(directory, `${name}-${message.slot}.sock`)
  if (message.role === 'responder') return [await respondOn(message, path('responder'), serving)]
  return Promise.all(TIERS.map((tier) => listenForTier(tier, path(`authorizer-${tier}`), serving)))
}

async function listenForTier(tier: Tier, path: string, serving: Serving): Promise<Listening> {
  const { app, metrics, log } = serving
  const server = createAuthorizerServer({
    answer: (params) => app.answer(params, tier),
    observer: {
      protocolError(kind) {
        metrics.protocolErrors.inc({ kind })
        log.warn({ kind, tier }, 'a fastcgi connection was ended')
      },
      failure: (error) => log.error({ err: error, tier }, 'a request could not be answered'),
    },
    limits: { maxParamsBytes: MAX_PARAMS_BYTES, paramsTimeoutMs: PARAMS_TIMEOUT_MS },
  })
  await listenOn(server, path)
  return { close: () => closed(server) }
}

async function respondOn(
  { loaded: { config } }: Start,
  path: string,
  { app, log }: Serving,
): Promise<Listening> {
  // An authorizer loads neither module.
  const { createResponder } = await import('../responder/server.ts')
  const { addBrowserRoutes } = await import('../responder/pages/pages.ts')
  const { signInParts, publicOrigins, observer } = app
  const { registry } = app.administration
  const shared = { registry, observer, clock: SYSTEM_CLOCK }
  const onTrouble = (what: string): void => log.warn(what)
  const responder = createResponder({
    ...shared,
    authenticate: app.authenticate,
    absoluteTimeoutSeconds: config.sessions.absolute_timeout_s,
    version: VERSION,
    addPages:
      signInParts &&
      ((pages, guard) =>
        addBrowserRoutes(pages, { ...shared, ...signInParts, publicOrigins, onTrouble, guard })),
    onUnexpected: (error) => log.error({ err: error }, 'a request to the responder failed'),
  })
  await responder.listen({ path, backlog: BACKLOG })
  return { close: () => responder.close() }
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()))
}

async function snapshot(metrics: WorkerMetrics, id: number | null): Promise<void> {
  await send({ type: 'metrics', id, snapshot: await metrics.registry.getMetricsAsJSON() })
}

/** Resolves when the message is sent; a primary that is gone receives none. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}
