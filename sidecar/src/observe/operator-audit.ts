import { closeSync, existsSync, fchownSync, openSync, statSync, writeSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'

/** What an operator did on the command line. */
export interface OperatorAct {
  readonly action: 'revoke' | 'undo' | 'end-session' | 'accept-loss'
  /** null for the acceptance of a loss, which is about all that was */
  readonly target: RevocationTarget | null
  /** the key that was written or deleted */
  readonly key: string
  /** the value of a revocation; null where a key was deleted */
  readonly value: string | null
  /** until when it holds at least, in epoch seconds */
  readonly expiresAtSeconds: number | null
  readonly outcome: string
  /** why, in the operator's words; null when they gave none */
  readonly why: string | null
}

export interface OperatorAudit {
  /** one line of JSON, written at once @throws {Error} when it cannot be written */
  record(act: OperatorAct): void
  close(): void
}

const STANDARD_OUTPUT = '-'
const STANDARD_ERROR_FD = 2

/**
 * Opens the audit log for what operators do, before they do it. Where the sidecar's audit goes to its
 * standard output, a command's goes to standard error, and so into the journal of who ran it.
 *
 * @throws {Error} when the file cannot be opened for appending
 */
export function openOperatorAudit(file: string): OperatorAudit {
  const fd = file === STANDARD_OUTPUT ? STANDARD_ERROR_FD : openForAppending(file)
  const operator = operatorName()
  return {
    record: (act) => void writeSync(fd, `${JSON.stringify(recordOf(act, operator))}\n`),
    close: () => (fd === STANDARD_ERROR_FD ? undefined : closeSync(fd)),
  }
}

/** A file that root has to make is the folder's owner's: the sidecar must be able to append to it, too. */
function openForAppending(file: string): number {
  const isNew = !existsSync(file)
  const fd = openSync(file, 'a', 0o640)
  if (isNew && process.getuid?.() === 0) {
    const { uid, gid } = statSync(dirname(file))
    fchownSync(fd, uid, gid)
  }
  return fd
}

/** INVARIANT: a record names each of its fields here. `reason` is a word of the table of decisions. */
function recordOf(act: OperatorAct, operator: string): object {
  return {
    time: new Date().toISOString(),
    event: 'revocation',
    action: act.action,
    ...(act.target === null ? {} : { target: act.target.kind, ...namesOf(act.target) }),
    key: act.key,
    value: act.value,
    expires_at: act.expiresAtSeconds,
    outcome: act.outcome,
    operator,
    host: hostname(),
    operator_reason: act.why,
  }
}

/** Under the names that decisions have for them, so that one query finds both. */
function namesOf(target: RevocationTarget): object {
  switch (target.kind) {
    case 'token':
      return { issuer: target.issuer, token_id: target.tokenId }
    case 'session':
      return { session: target.sid }
    case 'subject':
      return { subject: target.subject }
    case 'client':
      return { issuer: target.issuer, client_id: target.clientId }
    case 'idp-session':
      return { issuer: target.issuer, idp_session: target.idpSession }
    case 'issuer':
      return { issuer: target.issuer }
    case 'all':
      return {}
  }
}

/** The user of the system, and who became it by sudo. */
function operatorName(): string {
  const name = userName()
  const { SUDO_USER: by } = process.env
  return by === undefined || by === name ? name : `${name} (sudo by ${by})`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // a container's user has no name
  }
}
