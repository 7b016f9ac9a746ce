import cluster from 'node:cluster'
import { pauseMs } from '../domain/pause.ts'
import { type FromWorker, ROLES, type Role, type ToWorker } from './messages.ts'
import { linkWorker, type WorkerLink } from './worker-link.ts'

/** A worker that was ready and has said nothing for this long is killed. */
const SILENT_AFTER_MS = 1000
/**
 * A worker that is not ready this long after its fork is killed. The time doubles with each in a row, because
 * on a host without a processor to spare the next one would fare no better.
 */
const START_WITHIN_MS = 15_000
const LAST_START_WITHIN_MS = 120_000
/** A worker that does not end this long after it was told to drain is killed. */
const DRAIN_WITHIN_MS = 10_000
const CHECK_EVERY_MS = 250
/** A worker that ends sooner than this after its fork shows what may end the next one too. */
const SHORT_LIFE_MS = 5000
/** The pause before the next fork; it doubles with each short life in a row. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 30_000

/** Keeps SIGUSR1 from opening Node's debugger, from the first moment of a worker. */
const NO_DEBUGGER = '--disable-sigusr1'

export interface PoolDeps {
  /** how many workers of a role there should be; asked again after a new configuration */
  readonly strength: (role: Role) => number
  /** what a new worker is told first; called at each fork, so that it holds the newest configuration */
  readonly startMessage: (role: Role) => ToWorker
  readonly nowMs: () => number
  readonly observer: PoolObserver
}

export interface PoolObserver {
  message(worker: WorkerLink, message: FromWorker): void
  disconnected(worker: WorkerLink): void
  /** @param isExpected whether the worker had been told to end */
  exited(worker: WorkerLink, isExpected: boolean, ending: Ending): void
  killed(worker: WorkerLink, why: 'silent' | 'slow-start' | 'slow-drain'): void
}

/** How a worker ended, and what follows. */
export interface Ending {
  /** such as `code 1`, `SIGKILL`, or why there was no process in the first place */
  readonly how: string
  /** how many of its role in a row ended within 5 s of their fork */
  readonly shortLives: number
  /** until another is started, where one is missing */
  readonly nextStartMs: number
}

/** Keeps the configured number of workers alive, replacing each that dies or falls silent. */
export interface Pool {
  start(): void
  workers(): readonly WorkerLink[]
  /** why a worker of a role could not start, until one can; null where none failed */
  failure(role: Role): string | null
  broadcast(message: ToWorker): void
  /** replaces every worker by one with the newest configuration, the old ones serving until then */
  replaceAll(): void
  /** tells all workers to finish; resolves when none is left */
  drain(): Promise<void>
}

export function createPool(deps: PoolDeps): Pool {
  const links = new Set<WorkerLink>()
  const retiring = new Set<WorkerLink>() // replaced as soon as a successor is ready
  const shortLives: Record<Role, number> = { authorizer: 0, responder: 0 }
  const slowStarts: Record<Role, number> = { authorizer: 0, responder: 0 }
  const failures: Record<Role, string | null> = { authorizer: null, responder: null }
  let isDraining = false
  let lastCheckMs = deps.nowMs()
  let onEmpty: () => void = () => undefined

  return {
    ...{ start, workers: () => [...links], failure: (role: Role) => failures[role] },
    ...{ broadcast, replaceAll, drain },
  }

  function start(): void {
    cluster.schedulingPolicy = cluster.SCHED_NONE
    const { execArgv = process.execArgv } = cluster.settings
    cluster.setupPrimary({ execArgv: [...execArgv, NO_DEBUGGER] })
    ROLES.forEach(fillUp)
    setInterval(check, CHECK_EVERY_MS).unref()
  }

  function fillUp(role: Role): void {
    if (isDraining) return
    const serving = [...links].filter(
      (link) => link.role === role && link.state !== 'draining' && !retiring.has(link),
    )
    for (let count = serving.length; count < deps.strength(role); count++) fork(role)
  }

  function fork(role: Role): void {
    const link = linkWorker(cluster.fork(), role, deps.nowMs(), {
      message,
      exit,
      disconnect: deps.observer.disconnected,
    })
    links.add(link)
    link.send(deps.startMessage(role))
  }

  function message(link: WorkerLink, received: FromWorker): void {
    if (received.type === 'listening' && link.state === 'starting') link.state = 'listening'
    if (received.type === 'ready' && link.state === 'listening') {
      link.state = 'ready'
      failures[link.role] = null
      slowStarts[link.role] = 0
      retire(link.role)
    }
    if (received.type === 'failed') failures[link.role] = received.message
    if (link.state === 'ready') link.lastHeardMs = deps.nowMs()
    deps.observer.message(link, received)
  }

  /** One old worker goes for each new one that is ready, and with the last of these all that are left. */
  function retire(role: Role): void {
    const ofRole = [...links].filter((link) => link.role === role && link.state === 'ready')
    const old = ofRole.filter((link) => retiring.has(link))
    const isComplete = ofRole.length - old.length >= deps.strength(role)
    for (const link of isComplete ? old : old.slice(0, 1)) drainOne(link)
  }

  /** INVARIANT: only a worker that can have accepted nothing is killed; others answer what they have. */
  function drainOne(link: WorkerLink): void {
    const isIdle = link.state === 'starting'
    retiring.delete(link)
    link.state = 'draining'
    link.lastHeardMs = deps.nowMs()
    if (isIdle) link.kill()
    else link.send({ type: 'drain' })
  }

  function exit(link: WorkerLink, how: string): void {
    const isExpected = link.state === 'draining'
    links.delete(link)
    retiring.delete(link)
    if (!isExpected) noteLife(link)
    const nextStartMs = pauseMs(shortLives[link.role], FIRST_PAUSE_MS, LAST_PAUSE_MS)
    deps.observer.exited(link, isExpected, { how, shortLives: shortLives[link.role], nextStartMs })
    if (links.size === 0) onEmpty()
    setTimeout(() => fillUp(link.role), nextStartMs).unref()
  }

  function noteLife({ role, forkedAtMs }: WorkerLink): void {
    const isShort = deps.nowMs() - forkedAtMs < SHORT_LIFE_MS
    shortLives[role] = isShort ? shortLives[role] + 1 : 0
  }

  function check(): void {
    const nowMs = deps.nowMs()
    // While this very process got no processor everyone looked silent: that time does not count, and
    // after a longer pause they have a round to be heard.
    const lateMs = Math.max(0, nowMs - lastCheckMs - CHECK_EVERY_MS)
    lastCheckMs = nowMs
    for (const link of links) {
      const excusedMs = lateMs > CHECK_EVERY_MS ? Number.POSITIVE_INFINITY : lateMs
      link.lastHeardMs = Math.min(link.lastHeardMs + excusedMs, nowMs)
      const silentMs = nowMs - link.lastHeardMs
      if (link.state === 'ready' && silentMs > SILENT_AFTER_MS) kill(link, 'silent')
      const isReadySoon = link.state === 'starting' || link.state === 'listening'
      if (isReadySoon && silentMs > startWithinMs(slowStarts[link.role])) {
        slowStarts[link.role] += 1
        kill(link, 'slow-start')
      }
      if (link.state === 'draining' && silentMs > DRAIN_WITHIN_MS) kill(link, 'slow-drain')
    }
  }

  function kill(link: WorkerLink, why: 'silent' | 'slow-start' | 'slow-drain'): void {
    deps.observer.killed(link, why)
    link.kill()
  }

  function broadcast(sent: ToWorker): void {
    for (const link of links) link.send(sent)
  }

  function replaceAll(): void {
    if (isDraining) return
    for (const link of links) {
      if (link.state === 'ready') retiring.add(link)
      else if (link.state !== 'draining') drainOne(link)
    }
    for (const role of ROLES) {
      shortLives[role] = 0 // what ended them may be mended
      fillUp(role)
    }
  }

  function drain(): Promise<void> {
    isDraining = true
    return new Promise((resolve) => {
      onEmpty = resolve
      if (links.size === 0) resolve()
      for (const link of links) if (link.state !== 'draining') drainOne(link)
    })
  }
}

function startWithinMs(slowStarts: number): number {
  return pauseMs(slowStarts + 1, START_WITHIN_MS, LAST_START_WITHIN_MS)
}
