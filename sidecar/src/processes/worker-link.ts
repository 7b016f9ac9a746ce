import type { Worker } from 'node:cluster'
import type { FromWorker, Role, ToWorker } from './messages.ts'

/**
 * The state of a worker: `starting` has accepted nothing, `listening` may have, `ready` reports
 * that it lives, `draining` finishes its requests and then exits.
 */
export type WorkerState = 'starting' | 'listening' | 'ready' | 'draining'

/** The primary's end of a worker process. */
export interface WorkerLink {
  readonly id: number
  readonly role: Role
  readonly forkedAtMs: number
  state: WorkerState
  /** on the monotonic clock, like `forkedAtMs` */
  lastHeardMs: number
  send(message: ToWorker): void
  kill(): void
}

export interface LinkEvents {
  message(link: WorkerLink, message: FromWorker): void
  /** @param how such as `code 1`, `SIGKILL`, or the reason why no process was made */
  exit(link: WorkerLink, how: string): void
  /** after the last message, which may come after the exit */
  disconnect(link: WorkerLink): void
}

/**
 * Wraps a forked cluster worker. Sending to a worker that has just exited is no error: its exit is
 * reported.
 *
 * @param nowMs the monotonic clock's time of the fork
 */
export function linkWorker(
  worker: Worker,
  role: Role,
  nowMs: number,
  events: LinkEvents,
): WorkerLink {
  const link: WorkerLink = {
    id: worker.id,
    role,
    forkedAtMs: nowMs,
    state: 'starting',
    lastHeardMs: nowMs,
    send(message) {
      if (worker.isConnected()) worker.send(message, () => undefined)
    },
    kill: () => void worker.process.kill('SIGKILL'),
  }
  let hasExited = false
  function exited(how: string): void {
    if (!hasExited) events.exit(link, how)
    hasExited = true
  }
  worker.on('message', (message: FromWorker) => events.message(link, message))
  // A failed send, after which the exit follows; or a process that was never made, which has no
  // exit.
  worker.on('error', (error) => {
    if (worker.process.pid === undefined) exited(error.message)
  })
  worker.process.once('exit', (code: number | null, signal: NodeJS.Signals | null) =>
    exited(signal ?? `code ${code ?? 'unknown'}`),
  )
  worker.once('disconnect', () => events.disconnect(link))
  return link
}
