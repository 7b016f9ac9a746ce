import { untilAnswered } from '../adapters/redis/retry.ts'
import type { Config } from '../config/schema.ts'
import { type OperatorAudit, openOperatorAudit } from '../observe/operator-audit.ts'
import { type RevocationTarget, revocationKey } from '../revocation/revocation-keys.ts'
import type { Revocation, Revoked } from '../revocation/revocation-writer.ts'
import { revocationLifetimeSeconds, revocationWriter } from '../wiring/session-administration.ts'
import { CommandError } from './command-error.ts'
import { jsonLine } from './output.ts'
import { type OpenRedis, withRedis } from './redis.ts'
import { readTarget } from './targets.ts'
import { durationSeconds, momentSeconds, timeText } from './times.ts'

/** The options of `brickgate revoke` as they were typed. */
export interface RevokeOptions {
  readonly at: string | undefined
  readonly until: string | undefined
  readonly for: string | undefined
  readonly keep: string | undefined
  readonly reason: string | undefined
  readonly force: boolean
  readonly undo: boolean
  readonly yes: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

const MAX_REASON_LENGTH = 500

/**
 * Revokes, lifts a revocation, or prints the planned change.
 *
 * @returns the output
 * @throws {CommandError} before anything is changed, except when replicas do not confirm in time
 */
export async function revoke(
  kind: RevocationTarget['kind'],
  operand: string,
  options: RevokeOptions,
  config: Config,
): Promise<string> {
  const target = readTarget(kind, operand, config)
  const revocation = readRevocation(target, options, config)
  if (kind === 'all' && !options.yes && !options.dryRun) {
    throw new CommandError(
      'usage',
      'this concerns everybody: add --yes, or --dry-run to look first',
    )
  }
  return withRedis(config, (open) =>
    options.undo
      ? undo(target, options, { config, open })
      : carryOut(revocation, options, { config, open }),
  )
}

interface Place {
  readonly config: Config
  readonly open: OpenRedis
}

async function carryOut(
  revocation: Revocation,
  { dryRun, json, reason }: RevokeOptions,
  { config, open }: Place,
): Promise<string> {
  const revocations = revocationWriter(config, open.keyValues)
  const nowSeconds = Date.now() / 1000
  if (dryRun) {
    const preview = open.answered(await revocations.preview(revocation, nowSeconds))
    return json ? jsonLine(asJson(preview, true)) : `dry run: ${sentence(preview, 'would be')}\n`
  }
  const done = await withAudit(config, async (audit) => {
    const revoked = open.answered(
      await untilAnswered(() => revocations.revoke(revocation, nowSeconds)),
    )
    const { key, value, expiresAtSeconds, outcome } = revoked
    const { target } = revocation
    const why = reason ?? null
    audit.record({ action: 'revoke', target, key, value, expiresAtSeconds, outcome, why })
    return revoked
  })
  if (!done.isReplicated) {
    const message = `${done.key} stands, but not on every replica yet: until then a failover could undo it`
    throw new CommandError('failed', message)
  }
  return json ? jsonLine(asJson(done, false)) : `${sentence(done, 'is')}\n`
}

async function undo(
  target: RevocationTarget,
  { dryRun, json, reason }: RevokeOptions,
  { config, open }: Place,
): Promise<string> {
  const revocations = revocationWriter(config, open.keyValues)
  const key = revocationKey(target).name
  const [held] = open.answered(await open.keyValues.read([key]))
  if (held === undefined || held.kind === 'absent') {
    throw new CommandError('notFound', `there is no ${key}`)
  }
  if (dryRun) {
    return json
      ? jsonLine({ key, outcome: 'deleted', dry_run: true })
      : `dry run: ${key} would be deleted\n`
  }
  await withAudit(config, async (audit) => {
    open.answered(await untilAnswered(() => revocations.unrevoke(target)))
    const changed = { key, value: null, expiresAtSeconds: null, outcome: 'deleted' }
    audit.record({ action: 'undo', target, ...changed, why: reason ?? null })
  })
  return json ? jsonLine({ key, outcome: 'deleted', dry_run: false }) : `${key} is deleted\n`
}

/**
 * Runs a change with the audit log already open.
 *
 * @throws {CommandError} when the audit log cannot be opened; then nothing was changed
 */
export async function withAudit<T>(
  config: Config,
  work: (audit: OperatorAudit) => Promise<T>,
): Promise<T> {
  const audit = openAudit(config)
  try {
    return await work(audit)
  } finally {
    audit.close()
  }
}

function openAudit({ audit, runtime }: Config): OperatorAudit {
  try {
    return openOperatorAudit(audit.file, runtime.proof_file)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CommandError(
      'failed',
      `nothing was changed, the audit log cannot be opened: ${cause}`,
    )
  }
}

/** @throws {CommandError} for a reason that does not fit into a line of the audit log */
export function checkReason(reason: string | undefined): void {
  if (reason !== undefined && (reason.trim() === '' || reason.length > MAX_REASON_LENGTH)) {
    throw new CommandError('usage', `--reason wants 1 to ${MAX_REASON_LENGTH} characters`)
  }
}

function readRevocation(
  target: RevocationTarget,
  options: RevokeOptions,
  config: Config,
): Revocation {
  checkReason(options.reason)
  const moments = [options.at, options.until, options.for].filter((text) => text !== undefined)
  if (moments.length > 1) throw usage('--at, --until and --for exclude each other')
  const isTimed = moments.length > 0 || options.keep !== undefined || options.force
  if (options.undo && isTimed) throw usage('--undo takes the whole revocation back')
  const isForGood = revocationKey(target).refuses === 'always'
  if (isForGood && moments.length > 0) {
    throw usage(`a ${target.kind} is refused whenever it was made: it takes no moment`)
  }
  const notBeforeSeconds = readMoment(options, Date.now() / 1000)
  return {
    target,
    isForced: options.force,
    ...(notBeforeSeconds === null ? {} : { notBeforeSeconds }),
    ...(options.keep === undefined ? {} : { keepSeconds: readKeep(options.keep, config) }),
  }
}

/** @returns null without a time option, which means now */
function readMoment(options: RevokeOptions, nowSeconds: number): number | null {
  if (options.for !== undefined) {
    const span = durationSeconds(options.for)
    if (span === null) throw usage('--for wants a duration such as 90s, 30m, 12h or 7d')
    return Math.ceil(nowSeconds + span)
  }
  const name = options.at === undefined ? '--until' : '--at'
  const text = options.at ?? options.until
  if (text === undefined) return null
  const moment = momentSeconds(text, nowSeconds)
  if (moment !== null) return moment
  throw usage(`${name} wants epoch seconds, 2026-11-26T18:00:00Z, +2h or (as ${name}=-30m) -30m`)
}

function readKeep(text: string, config: Config): number {
  const seconds = durationSeconds(text)
  if (seconds === null) throw usage('--keep wants a duration such as 12h or 7d')
  const least = revocationLifetimeSeconds(config)
  if (seconds >= least) return seconds
  throw usage(`--keep wants at least ${least}s: what is revoked could live as long`)
}

function usage(message: string): CommandError {
  return new CommandError('usage', message)
}

function sentence({ key, value, expiresAtSeconds, outcome }: Revoked, verb: string): string {
  const moment = value === null ? 'refuses everybody' : `${value} (${timeText(Number(value))})`
  const until = `until ${timeText(expiresAtSeconds)} at least`
  if (outcome !== 'kept') return `${key} ${verb} set to ${moment}, ${until}`
  return `${key} ${verb} kept: it refuses as much already, ${moment}, ${until}`
}

function asJson({ key, value, expiresAtSeconds, outcome }: Revoked, isDryRun: boolean): object {
  return { key, value, expires_at: expiresAtSeconds, outcome, dry_run: isDryRun }
}
