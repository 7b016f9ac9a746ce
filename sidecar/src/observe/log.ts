import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { createLineFile } from './line-file.ts'

export type { Logger } from 'pino'

/** Above this many unwritten bytes lines are lost. */
const MAX_WAITING_BYTES = 1024 * 1024

/**
 * The application's own log: JSON lines. Errors are written as their type, message and stack; nothing of
 * a request but its id belongs here.
 *
 * @param part the process that speaks, such as `primary` or `authorizer-2`
 * @param stream standard output, except in tests
 */
export function createLog(part: string, stream: DestinationStream = standardOutput()): Logger {
  const options = {
    base: { part, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  }
  return pino(options, stream)
}

/** On a full disk pino's own would end the process, and then never let it end. */
function standardOutput(): DestinationStream {
  const onFailing = (): void => undefined // there is nowhere left to tell it
  const lines = createLineFile({ fd: 1, maxWaitingBytes: MAX_WAITING_BYTES, onFailing })
  process.once('exit', lines.flush)
  return { write: (line) => void lines.append(line) }
}

/**
 * INVARIANT: none of the other members that libraries attach to errors, such as the arguments of a Redis
 * command or a whole response, is written: they hold what no log may.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, message, stack, cause } = error
  return {
    type: name,
    message,
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  }
}
