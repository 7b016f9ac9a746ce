import type { Worker } from 'node:cluster'
import type { FromWorker, Role, ToWorker } from './messages.ts'

/** How a worker stands; `draining` finishes what it has and then ends. */
export type WorkerState = 'starting' | 'ready' | 'draining'

/** The primary's end of one worker process. */
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
  exit(link: WorkerLink): void
  /** after the last message, which may come after the exit */
  disconnect(link: WorkerLink): void
}

/**
 * Wraps a forked cluster worker. Sending to one that has just died is no error: its exit is reported.
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
  worker.on('message', (message: FromWorker) => events.message(link, message))
  worker.on('error', () => undefined) // a failed send; the exit follows
  worker.process.once('exit', () => events.exit(link))
  worker.once('disconnect', () => events.disconnect(link))
  return link
}
