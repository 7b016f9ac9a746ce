import { type DestinationStream, pino, stdTimeFunctions } from 'pino'
import type { DecisionEvent } from '../authorize/answer.ts'
import { cut } from '../domain/cut.ts'
import { subjectKey } from '../domain/principal.ts'
import { openForAppending, STANDARD_OUTPUT } from './append-file.ts'
import { createLineFile } from './line-file.ts'

/** Records decisions, a JSON line each. */
export interface AuditLog {
  record(event: DecisionEvent): void
  /** writes the remaining records, at the end of the process */
  flush(): void
}

export interface AuditObserver {
  written(): void
  dropped(): void
  /** called once each time writing begins to fail; unwritten records are held and tried again */
  failing(error: unknown): void
}

/**
 * Beyond this many unwritten bytes records are dropped and counted: a slow disk must not stop
 * traffic.
 */
const MAX_PENDING_BYTES = 8 * 1024 * 1024

/**
 * Appends to `file`, or to standard output for `-`. Several processes may share a file.
 *
 * @throws {Error} when the file cannot be opened
 */
export function createAuditLog(file: string, observer: AuditObserver): AuditLog {
  const lines = createLineFile({
    fd: file === STANDARD_OUTPUT ? 1 : openForAppending(file),
    maxWaitingBytes: MAX_PENDING_BYTES,
    onFailing: observer.failing,
  })
  const record = auditRecorder({
    write: (line) => (lines.append(line) ? observer.written() : observer.dropped()),
  })
  return { record, flush: lines.flush }
}

/** A target may have 32 KB, and rejected callers are recorded too. */
const MAX_PATH = 512

/** Without a level in front, the time is the first member: pino's own would begin with a comma. */
function timestamp(): string {
  return stdTimeFunctions.isoTime().slice(1)
}

/**
 * INVARIANT: a record names each of its fields here. None is a presented credential, a query or a
 * body; otherwise the log would leak secrets.
 */
export function auditRecorder(stream: DestinationStream): (event: DecisionEvent) => void {
  const logger = pino({ base: null, timestamp, formatters: { level: () => ({}) } }, stream)
  return ({ requestId, request, tier, decision, durationMicroseconds }) => {
    const { principal } = decision
    logger.info({
      request_id: requestId,
      decision: decision.effect,
      reason: decision.reason,
      claim: decision.effect === 'deny' ? (decision.claim ?? null) : null,
      outage: decision.isFromOutage ? 'redis' : null,
      tier,
      method: request?.method ?? null,
      path: request === null ? null : cut(request.path, MAX_PATH),
      operation: null,
      risk: null,
      subject: principal === null ? null : subjectKey(principal),
      email: principal?.email ?? null,
      issuer: principal?.issuerName ?? null,
      client_id: principal?.clientId ?? null,
      session: decision.sid,
      token_id: principal?.tokenId ?? null,
      source_ip: request?.sourceIp ?? null,
      user_agent: request?.userAgent ?? null,
      policy: decision.policies,
      duration_us: durationMicroseconds,
    })
  }
}
