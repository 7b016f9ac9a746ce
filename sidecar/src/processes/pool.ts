import cluster from 'node:cluster'
import { pauseMs } from '../domain/pause.ts'
import { type FromWorker, ROLES, type Role, type ToWorker } from './messages.ts'
import { linkWorker, type WorkerLink } from './worker-link.ts'

/** A ready worker that is silent for this long is killed. */
const SILENT_AFTER_MS = 1000
/**
 * A worker that is not ready this long after its fork is killed. The time doubles with each such
 * worker in a row, because on a busy host the next worker would fare no better.
 */
const START_WITHIN_MS = 15_000
const LAST_START_WITHIN_MS = 120_000
/** A worker that does not exit this long after the order to drain is killed. */
const DRAIN_WITHIN_MS = 10_000
const CHECK_EVERY_MS = 250
/**
 * A worker that exits sooner than this after its fork probably shows the fate of the next worker
 * too.
 */
const SHORT_LIFE_MS = 5000
/** The pause before the next fork; it doubles with each short life in a row. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 30_000

/** Keeps SIGUSR1 from opening Node's debugger, from the first moment of a worker. */
const NO_DEBUGGER = '--disable-sigusr1'

export interface PoolDeps {
  /** the number of workers of a role; read again after a new configuration */
  readonly strength: (role: Role) => number
  /**
   * the first message to a new worker; called at each fork, so that it has the newest configuration
   */
  readonly startMessage: (role: Role) => ToWorker
  readonly nowMs: () => number
  readonly observer: PoolObserver
}

export interface PoolObserver {
  message(worker: WorkerLink, message: FromWorker): void
  disconnected(worker: WorkerLink): void
  /** @param isExpected whether the worker was ordered to end */
  exited(worker: WorkerLink, isExpected: boolean, ending: Ending): void
  killed(worker: WorkerLink, why: 'silent' | 'slow-start' | 'slow-drain'): void
}

/** How a worker exited, and the consequences. */
export interface Ending {
  /** such as `code 1`, `SIGKILL`, or the reason why no process was made */
  readonly how: string
  /** exits of its role in a row within 5 s of their fork */
  readonly shortLives: number
  /** until the next start, where a worker is missing */
  readonly nextStartMs: number
}

/** Keeps the configured number of workers alive, and replaces each that exits or falls silent. */
export interface Pool {
  start(): void
  workers(): readonly WorkerLink[]
  /** why a worker of a role could not start, until a worker starts; null without a failure */
  failure(role: Role): string | null
  broadcast(message: ToWorker): void
  /**
   * replaces every worker by a worker with the newest configuration; old workers serve until then
   */
  replaceAll(): void
  /** orders all workers to finish; resolves when none is left */
  drain(): Promise<void>
}

export function createPool(deps: PoolDeps): Pool {
  return new WorkerPool(deps)
}

class WorkerPool implements Pool {
  readonly #deps: PoolDeps
  readonly #links = new Set<WorkerLink>()
  /** workers that end as soon as a successor is ready */
  readonly #retiring = new Set<WorkerLink>()
  /** short lives and slow starts in a row */
  readonly #shortLives: Record<Role, number> = { authorizer: 0, responder: 0 }
  readonly #slowStarts: Record<Role, number> = { authorizer: 0, responder: 0 }
  readonly #failures: Record<Role, string | null> = { authorizer: null, responder: null }
  #isDraining = false
  #lastCheckMs: number
  #onEmpty: () => void = () => undefined

  constructor(deps: PoolDeps) {
    this.#deps = deps
    this.#lastCheckMs = deps.nowMs()
  }

  workers(): readonly WorkerLink[] {
    return [...this.#links]
  }

  failure(role: Role): string | null {
    return this.#failures[role]
  }

  start(): void {
    cluster.schedulingPolicy = cluster.SCHED_NONE
    const { execArgv = process.execArgv } = cluster.settings
    cluster.setupPrimary({ execArgv: [...execArgv, NO_DEBUGGER] })
    for (const role of ROLES) this.#fillUp(role)
    setInterval(() => this.#check(), CHECK_EVERY_MS).unref()
  }

  #fillUp(role: Role): void {
    if (this.#isDraining) return
    const serving = [...this.#links].filter(
      (link) => link.role === role && link.state !== 'draining' && !this.#retiring.has(link),
    )
    for (let count = serving.length; count < this.#deps.strength(role); count++) this.#fork(role)
  }

  #fork(role: Role): void {
    const link = linkWorker(cluster.fork(), role, this.#deps.nowMs(), {
      message: (worker, received) => this.#message(worker, received),
      exit: (worker, how) => this.#exit(worker, how),
      disconnect: this.#deps.observer.disconnected,
    })
    this.#links.add(link)
    link.send(this.#deps.startMessage(role))
  }

  #message(link: WorkerLink, received: FromWorker): void {
    if (received.type === 'listening' && link.state === 'starting') link.state = 'listening'
    if (received.type === 'ready' && link.state === 'listening') {
      link.state = 'ready'
      this.#failures[link.role] = null
      this.#slowStarts[link.role] = 0
      this.#retire(link.role)
    }
    if (received.type === 'failed') this.#failures[link.role] = received.message
    if (link.state === 'ready') link.lastHeardMs = this.#deps.nowMs()
    this.#deps.observer.message(link, received)
  }

  /**
   * Drains an old worker for each new worker that is ready, and all remaining old workers with the
   * last.
   */
  #retire(role: Role): void {
    const ofRole = [...this.#links].filter((link) => link.role === role && link.state === 'ready')
    const old = ofRole.filter((link) => this.#retiring.has(link))
    const isComplete = ofRole.length - old.length >= this.#deps.strength(role)
    for (const link of isComplete ? old : old.slice(0, 1)) this.#drainOne(link)
  }

  /**
   * INVARIANT: only a worker that cannot have accepted anything is killed; others answer their
   * requests. Otherwise accepted requests would be lost.
   */
  #drainOne(link: WorkerLink): void {
    const isIdle = link.state === 'starting'
    this.#retiring.delete(link)
    link.state = 'draining'
    link.lastHeardMs = this.#deps.nowMs()
    if (isIdle) link.kill()
    else link.send({ type: 'drain' })
  }

  #exit(link: WorkerLink, how: string): void {
    const isExpected = link.state === 'draining'
    this.#links.delete(link)
    this.#retiring.delete(link)
    if (!isExpected) this.#noteLife(link)
    const nextStartMs = pauseMs(this.#shortLives[link.role], FIRST_PAUSE_MS, LAST_PAUSE_MS)
    this.#deps.observer.exited(link, isExpected, {
      how,
      shortLives: this.#shortLives[link.role],
      nextStartMs,
    })
    if (this.#links.size === 0) this.#onEmpty()
    setTimeout(() => this.#fillUp(link.role), nextStartMs).unref()
  }

  #noteLife({ role, forkedAtMs }: WorkerLink): void {
    const isShort = this.#deps.nowMs() - forkedAtMs < SHORT_LIFE_MS
    this.#shortLives[role] = isShort ? this.#shortLives[role] + 1 : 0
  }

  #check(): void {
    const nowMs = this.#deps.nowMs()
    // While this process got no processor time, every worker looked silent: that time does not
    // count, and after a longer pause workers get a round to report.
    const lateMs = Math.max(0, nowMs - this.#lastCheckMs - CHECK_EVERY_MS)
    this.#lastCheckMs = nowMs
    for (const link of this.#links) {
      const excusedMs = lateMs > CHECK_EVERY_MS ? Number.POSITIVE_INFINITY : lateMs
      link.lastHeardMs = Math.min(link.lastHeardMs + excusedMs, nowMs)
      const silentMs = nowMs - link.lastHeardMs
      if (link.state === 'ready' && silentMs > SILENT_AFTER_MS) this.#kill(link, 'silent')
      const isReadySoon = link.state === 'starting' || link.state === 'listening'
      if (isReadySoon && silentMs > startWithinMs(this.#slowStarts[link.role])) {
        this.#slowStarts[link.role] += 1
        this.#kill(link, 'slow-start')
      }
      if (link.state === 'draining' && silentMs > DRAIN_WITHIN_MS) this.#kill(link, 'slow-drain')
    }
  }

  #kill(link: WorkerLink, why: 'silent' | 'slow-start' | 'slow-drain'): void {
    this.#deps.observer.killed(link, why)
    link.kill()
  }

  broadcast(sent: ToWorker): void {
    for (const link of this.#links) link.send(sent)
  }

  replaceAll(): void {
    if (this.#isDraining) return
    for (const link of this.#links) {
      if (link.state === 'ready') this.#retiring.add(link)
      else if (link.state !== 'draining') this.#drainOne(link)
    }
    for (const role of ROLES) {
      this.#shortLives[role] = 0 // the cause of the exits may be gone
      this.#fillUp(role)
    }
  }

  drain(): Promise<void> {
    this.#isDraining = true
    return new Promise((resolve) => {
      this.#onEmpty = resolve
      if (this.#links.size === 0) resolve()
      for (const link of this.#links) if (link.state !== 'draining') this.#drainOne(link)
    })
  }
}

function startWithinMs(slowStarts: number): number {
  return pauseMs(slowStarts + 1, START_WITHIN_MS, LAST_START_WITHIN_MS)
}
