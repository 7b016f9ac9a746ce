import { randomUUID } from 'node:crypto'
import { acceptState, initState, showState } from '../adapters/state-record.ts'
import type { Config } from '../config/schema.ts'
import { CommandError } from './command-error.ts'
import { jsonLine } from './output.ts'
import { withRedis } from './redis.ts'
import { timeText } from './times.ts'

const UNREADABLE = 'bg:state cannot be read: delete it, then accept'

/** @returns what to print @throws {CommandError} when Redis does not answer */
export function stateInit(config: Config, isJson: boolean): Promise<string> {
  return withRedis(config, async ({ keyValues, answered }) => {
    const isNew = answered(await initState(keyValues, randomUUID()))
    if (isJson) return jsonLine({ initialised: isNew })
    return isNew
      ? 'initialised: nothing is lost\n'
      : 'there is a bg:state already; it stays as it is\n'
  })
}

/** @returns what to print @throws {CommandError} when Redis does not answer */
export function stateShow(config: Config, isJson: boolean): Promise<string> {
  return withRedis(config, async ({ keyValues, answered }) => {
    const { value, record } = answered(await showState(keyValues))
    if (isJson) {
      const state = value.kind === 'absent' ? 'missing' : record === null ? 'unreadable' : 'known'
      return jsonLine({ state, id: record?.id ?? null, lost_since: record?.sinceSeconds ?? null })
    }
    if (value.kind === 'absent') return 'bg:state is missing: the next request records a loss\n'
    if (record === null) return `${UNREADABLE}\n`
    if (record.sinceSeconds === 0) return 'nothing is lost\n'
    return `revocations and sessions written before ${timeText(record.sinceSeconds)} may be lost\n`
  })
}

/** @returns what to print @throws {CommandError} when the loss could not be accepted */
export function stateAccept(config: Config, isJson: boolean): Promise<string> {
  return withRedis(config, async ({ keyValues, answered }) => {
    const outcome = answered(await acceptState(keyValues, randomUUID()))
    if (outcome === 'unreadable') throw new CommandError('failed', UNREADABLE)
    if (outcome === 'changed') {
      throw new CommandError('failed', 'bg:state changed meanwhile: look again, then accept')
    }
    if (isJson) return jsonLine({ accepted: outcome === 'accepted' })
    return outcome === 'accepted' ? 'accepted: older tokens work again\n' : 'nothing was lost\n'
  })
}
