import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { createLineFile } from './line-file.ts'

export type { Logger } from 'pino'

/** Beyond this many unwritten bytes lines are lost. */
const MAX_WAITING_BYTES = 1024 * 1024

/**
 * The application's own log, in JSON lines. Errors are written as type, message and stack. Of a
 * request only its id belongs here.
 *
 * @param part the process, such as `primary` or `authorizer-2`
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

/** On a full disk pino's own stream would end the process, and then keep it from ending. */
function standardOutput(): DestinationStream {
  const onFailing = (): void => undefined // there is no place left to report it
  const lines = createLineFile({ fd: 1, maxWaitingBytes: MAX_WAITING_BYTES, onFailing })
  process.once('exit', lines.flush)
  return { write: (line) => void lines.append(line) }
}

/**
 * INVARIANT: other members of an error, such as the arguments of a Redis command or a whole
 * response, are never written. They may contain secrets.
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
