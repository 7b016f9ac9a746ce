import { setTimeout as pause } from 'node:timers/promises'
import { startPaced } from '../harness/pace.ts'
import type { Gateways } from './gateways.ts'
import { openRedisCli } from './redis-cli.ts'
import {
  type Revoke,
  revokeByCommand,
  revokeByRedis,
  revokeWatched,
  sender,
  startLoad,
} from './under-load.ts'
import { type Lag, lagOf, type Outcome, type Revocation } from './verdict.ts'
import { makeCast, type Victim } from './victims.ts'

export interface Amount {
  readonly requestsPerSecond: number
  readonly revocations: number
  /** in which the revocations are spread evenly */
  readonly seconds: number
  /**
   * each so manieth is made by `brickgate`, which takes a process; no common divisor with 14 meets
   * all kinds
   */
  readonly commandEvery: number
}

/** Ways in which an operator revokes. */
export type Tool = 'redis-cli' | 'brickgate'

/** How long one revocation went unnoticed. */
export interface WatchedLag extends Lag {
  readonly kind: Victim['kind']
  readonly by: Tool
}

export interface RevocationsUnderLoad {
  /** of the load and of those who watched a revocation */
  readonly outcomes: readonly Outcome[]
  readonly revocations: readonly Revocation[]
  /** an entry for each revocation */
  readonly lags: readonly WatchedLag[]
}

const BYSTANDERS = 24
const REQUEST_EVERY_MS = 2
const WARM_UP_MS = 2000

/**
 * Revokes somebody again and again while many send requests to both gateways, and goes on for as
 * long as a revocation may go unnoticed.
 *
 * @param boundMs how long that is
 */
export async function revokeUnderLoad(
  gateways: Gateways,
  amount: Amount,
  boundMs: number,
): Promise<RevocationsUnderLoad> {
  const { stack } = gateways.both[0]
  const cast = await makeCast(stack, { victims: amount.revocations, bystanders: BYSTANDERS })
  const send = sender(gateways)
  const redisCli = openRedisCli(stack.info)
  const tools: Readonly<Record<Tool, Revoke>> = {
    'redis-cli': revokeByRedis(redisCli.run),
    brickgate: revokeByCommand(stack.info),
  }
  const load = startLoad(send, cast, amount.requestsPerSecond)
  await pause(WARM_UP_MS)
  const revoking = startPaced(
    amount.revocations / amount.seconds,
    async (count) => {
      const victim = cast.victims[count]
      if (victim === undefined) throw new Error('nobody is left')
      const by: Tool = count % amount.commandEvery === 0 ? 'brickgate' : 'redis-cli'
      const watch = { send, revoke: tools[by], requestEveryMs: REQUEST_EVERY_MS }
      const { revocation, outcomes } = await revokeWatched(watch, victim)
      const lag: WatchedLag = { kind: victim.kind, by, ...lagOf(revocation, outcomes) }
      return { revocation, outcomes, lag }
    },
    amount.revocations,
  )
  while (revoking.begun < amount.revocations) await pause(50)
  const watched = await revoking.stop()
  await pause(boundMs * 1.5)
  const outcomes = await load.stop()
  await redisCli.close()
  return {
    outcomes: [...outcomes, ...watched.flatMap((one) => one.outcomes)],
    revocations: watched.map(({ revocation }) => revocation),
    lags: watched.map(({ lag }) => lag),
  }
}
