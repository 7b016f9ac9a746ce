import { randomUUID } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { STATE_KEY } from '../domain/redis-keys.ts'
import {
  type AcceptOutcome,
  acceptState,
  initState,
  type ShownState,
  showState,
} from '../store/state-record.ts'
import { CommandError } from './command-error.ts'
import type { Options } from './command-line.ts'
import { jsonLine } from './output.ts'
import { type OpenRedis, withRedis } from './redis.ts'
import { checkReason, withAudit } from './revoke.ts'
import { timeText } from './times.ts'

const UNREADABLE = 'bg:state cannot be read: delete it, then accept'

/**
 * @returns the output
 * @throws {CommandError} when Redis does not answer
 */
export function stateInit(config: Config, isJson: boolean): Promise<string> {
  return withRedis(config, async ({ keyValues, answered }) => {
    const isNew = answered(await initState(keyValues, randomUUID()))
    if (isJson) return jsonLine({ initialised: isNew })
    return isNew
      ? 'initialised: nothing is lost\n'
      : `there is a bg:state already; it stays as it is: ${stateText(answered(await showState(keyValues)))}`
  })
}

/**
 * @returns the output
 * @throws {CommandError} when Redis does not answer
 */
export function stateShow(config: Config, isJson: boolean): Promise<string> {
  return withRedis(config, async ({ keyValues, answered }) => {
    const { value, record } = answered(await showState(keyValues))
    if (isJson) {
      const state = value.kind === 'absent' ? 'missing' : record === null ? 'unreadable' : 'known'
      return jsonLine({ state, id: record?.id ?? null, lost_since: record?.sinceSeconds ?? null })
    }
    return stateText({ value, record })
  })
}

function stateText({ value, record }: ShownState): string {
  if (value.kind === 'absent') return 'bg:state is missing: the next request records a loss\n'
  if (record === null) return `${UNREADABLE}\n`
  if (record.sinceSeconds === 0) return 'nothing is lost\n'
  const since = timeText(record.sinceSeconds)
  return `revocations and sessions written before ${since} may be lost (\`state accept\` ends that)\n`
}

/**
 * @returns the output
 * @throws {CommandError} when the loss could not be accepted
 */
export function stateAccept(
  config: Config,
  { dryRun, json, reason }: Pick<Options, 'dryRun' | 'json' | 'reason'>,
): Promise<string> {
  checkReason(reason)
  return withRedis(config, async (open) => {
    const outcome = dryRun
      ? await acceptance(open)
      : await withAudit(config, async (audit) => {
          const outcome = open.answered(await acceptState(open.keyValues, randomUUID()))
          if (outcome === 'accepted') audit.record({ ...ACCEPTED, why: reason ?? null })
          return outcome
        })
    if (outcome === 'unreadable') throw new CommandError('failed', UNREADABLE)
    if (outcome === 'changed') {
      throw new CommandError('failed', 'bg:state changed meanwhile: look again, then accept')
    }
    if (json) return jsonLine({ accepted: outcome === 'accepted', dry_run: dryRun })
    const verb = dryRun ? 'dry run: would be accepted, and' : 'accepted:'
    return outcome === 'accepted' ? `${verb} older tokens work again\n` : 'nothing was lost\n'
  })
}

/** The result of accepting the loss now. */
async function acceptance({ keyValues, answered }: OpenRedis): Promise<AcceptOutcome> {
  const { value, record } = answered(await showState(keyValues))
  if (record !== null) return record.sinceSeconds === 0 ? 'nothing-lost' : 'accepted'
  return value.kind === 'absent' ? 'accepted' : 'unreadable'
}

const ACCEPTED = {
  action: 'accept-loss',
  target: null,
  key: STATE_KEY,
  value: null,
  expiresAtSeconds: null,
  outcome: 'accepted',
} as const
