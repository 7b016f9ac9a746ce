import type { Logger } from '../observe/log.ts'

/**
 * Ends this process on an unhandled error or rejection, with a line in the log. The state after
 * such an error is unknown, and a fresh process is sound: the primary replaces a worker, and the
 * service manager restarts the primary.
 */
export function endOnUnexpected(log: Pick<Logger, 'fatal'>): void {
  // Node.js turns an unhandled rejection into an uncaught exception; `origin` distinguishes them
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nobody handled ends the process')
    process.exit(1)
  })
}
