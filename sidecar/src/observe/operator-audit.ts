import { closeSync, lstatSync, statSync, writeSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'
import { openForAppending, STANDARD_OUTPUT } from './append-file.ts'

/** An operator's change on the command line. */
export interface OperatorAct {
  readonly action: 'revoke' | 'undo' | 'end-session' | 'accept-loss'
  /** null for the acceptance of a loss, which has no target */
  readonly target: RevocationTarget | null
  /** the written or deleted key */
  readonly key: string
  /** the value of a revocation; null where a key was deleted */
  readonly value: string | null
  /** minimum time for which it holds, in epoch seconds */
  readonly expiresAtSeconds: number | null
  readonly outcome: string
  /** the operator's reason; null without a reason */
  readonly why: string | null
}

export interface OperatorAudit {
  /**
   * Writes a JSON line at once.
   *
   * @throws {Error} when it cannot be written
   */
  record(act: OperatorAct): void
  close(): void
}

const STANDARD_ERROR_FD = 2

/**
 * Opens the audit log for operators' changes, before they happen. Where the sidecar's audit goes to
 * its standard output, a command's goes to standard error, and so into the journal of the caller.
 *
 * @param proofFile tells root which user runs the sidecar
 * @throws {Error} when the file cannot be opened for appending
 */
export function openOperatorAudit(file: string, proofFile: string): OperatorAudit {
  const fd = file === STANDARD_OUTPUT ? STANDARD_ERROR_FD : openAsOperator(file, proofFile)
  const operator = operatorName()
  return {
    record: (act) => void writeSync(fd, `${JSON.stringify(recordOf(act, operator))}\n`),
    close: () => (fd === STANDARD_ERROR_FD ? undefined : closeSync(fd)),
  }
}

/** User id and group id of a file. */
interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Opens the log with the rights of the sidecar's user, so that a log created by root belongs to the
 * sidecar.
 *
 * INVARIANT: root uses no rights of its own where the sidecar has a user. Otherwise the sidecar
 * could not append to a new log, and a link in a folder of that user would make root write to any
 * file of the host.
 */
function openAsOperator(file: string, proofFile: string): number {
  if (!isRoot()) return openForAppending(file)
  const problem = ownershipProblem(file, proofFile)
  if (problem !== null) throw new Error(problem)
  return asOwner(ownerOf(file, proofFile), () => openForAppending(file))
}

/** Runs the work with the effective rights of another user, then restores root's. */
function asOwner<T>({ uid, gid }: Owner, work: () => T): T {
  if (uid === 0) return work()
  const [ownGroup, ownGroups] = [process.getegid?.() ?? 0, process.getgroups?.() ?? []]
  process.setgroups?.([gid])
  process.setegid?.(gid)
  process.seteuid?.(uid)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(ownGroup)
    process.setgroups?.(ownGroups)
  }
}

/**
 * Checks whether the sidecar can append to a file of another user. Only root can check, because the
 * files of the sidecar's user are closed to others.
 *
 * @returns the reason why not, or null; null also for a missing file and for other users
 */
export function ownershipProblem(file: string, proofFile: string): string | null {
  const found = file === STANDARD_OUTPUT ? undefined : statSync(file, { throwIfNoEntry: false })
  if (!isRoot() || found === undefined) return null
  const { uid, gid } = ownerOf(file, proofFile)
  const isWritable = (found.mode & (found.gid === gid ? 0o022 : 0o002)) !== 0
  if (uid === 0 || found.uid === uid || isWritable) return null
  return `\`${file}\` is of user ${found.uid}, and the sidecar of user ${uid}`
}

/**
 * The owner of the folder or, where root owns the folder, of the proof, which the sidecar's init
 * step makes.
 */
function ownerOf(file: string, proofFile: string): Owner {
  const { uid, gid } = statSync(dirname(file))
  return { uid: uid === 0 ? lstatSync(proofFile).uid : uid, gid }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * INVARIANT: a record names each of its fields here; otherwise the log could leak secrets. `reason`
 * is a word of the table of decisions.
 */
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

/** Uses the field names of decisions, so that one query finds both. */
function namesOf(target: RevocationTarget): object {
  switch (target.kind) {
    case 'token':
      return { issuer: target.issuerName, token_id: target.tokenId }
    case 'session':
      return { session: target.sid }
    case 'subject':
      return { subject: target.subject }
    case 'client':
      return { issuer: target.issuerName, client_id: target.clientId }
    case 'idp-session':
      return { issuer: target.issuerName, idp_session: target.idpSession }
    case 'issuer':
      return { issuer: target.issuerName }
    case 'all':
      return {}
  }
}

/** The system user, and the user who ran sudo. */
function operatorName(): string {
  const name = userName()
  const { SUDO_USER: by } = process.env
  return by === undefined || by === name ? name : `${name} (sudo by ${by})`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // the user of a container has no name
  }
}
