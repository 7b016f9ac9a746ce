import { setTimeout as pause } from 'node:timers/promises'
import { type Paced, startPaced } from '../stack/pace.ts'
import type { Caller } from './callers.ts'
import type { Gateways } from './gateways.ts'
import type { RedisCli } from './redis-cli.ts'
import type { Outcome, Revocation } from './verdict.ts'
import type { Cast, Victim } from './victims.ts'

/** Sends one request as a caller. */
export type Send = (caller: Caller, gateway: 0 | 1) => Promise<Outcome>

export function sender({ both }: Gateways): Send {
  return async (caller, gateway) => {
    const path = `/api/2.1/clusters/list?caller=${caller.name}`
    const reply = await both[gateway].connections.get(path, caller.credential)
    return { caller, gateway, ...reply }
  }
}

/** Sends so many requests a second: to both gateways in turn, one by a victim for every bystander's. */
export function startLoad(send: Send, cast: Cast, perSecond: number): Paced<Outcome> {
  return startPaced(perSecond, (count) => {
    const callers = count % 4 < 2 ? cast.bystanders : cast.victims
    const caller = callers[Math.floor(count / 4) % callers.length]
    if (caller === undefined) throw new Error('nobody sends')
    return send(caller, count % 2 === 0 ? 0 : 1)
  })
}

/** What became of one revocation, and of the requests that watched it. */
export interface WatchedRevocation {
  readonly revocation: Revocation
  readonly outcomes: readonly Outcome[]
}

const WATCHED_BEFORE_MS = 20
const ASK_EVERY_MS = 2
const MAX_UNANSWERED = 16
const REFUSED_IN_A_ROW = 10
const GIVE_UP_MS = 5000

/** Revokes somebody who sends a request to each gateway every 2 ms, until all are refused. */
export async function revokeWatched(
  send: Send,
  redisCli: RedisCli,
  victim: Victim,
): Promise<WatchedRevocation> {
  const giveUp = new AbortController()
  const watching = [0, 1] as const
  const probes = watching.map((gateway) => probe(() => send(victim, gateway), giveUp.signal))
  await pause(WATCHED_BEFORE_MS)
  const askedMs = performance.now()
  const reply = await redisCli.run(victim.redisCli)
  const acknowledgedMs = performance.now()
  if (reply !== 'OK' && reply !== '1') throw new Error(`${victim.redisCli.join(' ')}: ${reply}`)
  const timer = setTimeout(() => giveUp.abort(), GIVE_UP_MS)
  const outcomes = (await Promise.all(probes)).flat()
  clearTimeout(timer)
  return { revocation: { victim, askedMs, acknowledgedMs }, outcomes }
}

/** Asks without waiting for the answers, so that a slow one does not hide what comes after it. */
async function probe(
  ask: () => Promise<Outcome>,
  giveUp: AbortSignal,
): Promise<readonly Outcome[]> {
  const asked: Promise<Outcome>[] = []
  const progress = { unanswered: 0, refusedInARow: 0 }
  const askOnce = async (): Promise<Outcome> => {
    progress.unanswered += 1
    const outcome = await ask()
    progress.unanswered -= 1
    progress.refusedInARow = outcome.status === 200 ? 0 : progress.refusedInARow + 1
    return outcome
  }
  while (progress.refusedInARow < REFUSED_IN_A_ROW && !giveUp.aborted) {
    if (progress.unanswered < MAX_UNANSWERED) asked.push(askOnce())
    await pause(ASK_EVERY_MS)
  }
  return Promise.all(asked)
}
