import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger } from 'pino'

/**
 * The application's own log: JSON lines on standard output. Errors are written as their type, message
 * and stack; nothing of a request but its id belongs here.
 *
 * @param part the process that speaks, such as `primary` or `authorizer-2`
 */
export function createLog(part: string): Logger {
  return pino({ base: { part, pid: process.pid }, timestamp: stdTimeFunctions.isoTime })
}
