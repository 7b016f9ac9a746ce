import type { Logger } from '../observe/log.ts'

/**
 * Ends this process on an error or a rejection that nobody handled, with a line that says which. What
 * such an error leaves behind is not known, and a process that starts anew is sound: the primary replaces
 * a worker, and whatever started the primary starts it again.
 */
export function endOnUnexpected(log: Pick<Logger, 'fatal'>): void {
  // Node.js makes an uncaught exception of a rejection that nobody handled; `origin` tells them apart
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nobody handled ends the process')
    process.exit(1)
  })
}
