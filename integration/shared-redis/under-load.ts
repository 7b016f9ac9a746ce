import { setTimeout as pause } from 'node:timers/promises'
import { brickgate } from '../harness/commands.ts'
import { type Paced, startPaced } from '../harness/pace.ts'
import type { StackInfo } from '../harness/stack.ts'
import type { Caller } from './callers.ts'
import type { Gateways } from './gateways.ts'
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

/**
 * Sends so many requests a second: to both gateways in turn, for every bystander's one by a victim
 * if any.
 */
export function startLoad(send: Send, cast: Cast, perSecond: number): Paced<Outcome> {
  const { bystanders, victims } = cast
  return startPaced(perSecond, (count) => {
    const callers = count % 4 < 2 || victims.length === 0 ? bystanders : victims
    const caller = callers[Math.floor(count / 4) % callers.length]
    if (caller === undefined) throw new Error('nobody sends')
    return send(caller, count % 2 === 0 ? 0 : 1)
  })
}

/**
 * Revokes a victim, and waits for the reply.
 *
 * @throws when it is no success
 */
export type Revoke = (victim: Victim) => Promise<void>

/**
 * Gives a command to Redis.
 *
 * @returns its reply as `redis-cli` prints it
 */
export type Give = (args: readonly string[]) => Promise<string>

export function revokeByRedis(give: Give): Revoke {
  return async ({ redisCli }) => {
    const reply = await give(redisCli)
    if (reply !== 'OK' && reply !== '1') throw new Error(`${redisCli.join(' ')}: ${reply}`)
  }
}

export function revokeByCommand(info: StackInfo): Revoke {
  return async (victim) => {
    const { code, stdout, stderr } = await brickgate(info, ...victim.brickgate)
    if (code !== 0) {
      throw new Error(`${victim.brickgate.join(' ')}: ended with ${code}: ${stdout}${stderr}`)
    }
  }
}

/** How revocations are made and watched. */
export interface Watch {
  readonly send: Send
  readonly revoke: Revoke
  readonly requestEveryMs: number
}

/** The outcome of a revocation, and of the requests that watched the revocation. */
export interface WatchedRevocation {
  readonly revocation: Revocation
  readonly outcomes: readonly Outcome[]
}

const WATCHED_BEFORE_MS = 20
const SEND_BEFORE_EVERY_MS = 20
const MAX_UNANSWERED = 16
const REFUSED_IN_A_ROW = 10
const GIVE_UP_MS = 5000

/**
 * Revokes somebody who sends requests to both gateways, from the acknowledgement on all the time,
 * until these are refused one after the other.
 */
export async function revokeWatched(watch: Watch, victim: Victim): Promise<WatchedRevocation> {
  const acknowledged = new AbortController()
  const giveUp = new AbortController()
  const probes = ([0, 1] as const).map((gateway) =>
    probe({
      sendRequest: () => watch.send(victim, gateway),
      everyMs: watch.requestEveryMs,
      acknowledged: acknowledged.signal,
      giveUp: giveUp.signal,
    }),
  )
  try {
    await pause(WATCHED_BEFORE_MS)
    const askedMs = performance.now()
    await watch.revoke(victim)
    const acknowledgedMs = performance.now()
    acknowledged.abort()
    setTimeout(() => giveUp.abort(), GIVE_UP_MS).unref()
    const outcomes = (await Promise.all(probes)).flat()
    return { revocation: { victim, askedMs, acknowledgedMs }, outcomes }
  } finally {
    giveUp.abort()
  }
}

interface Probe {
  readonly sendRequest: () => Promise<Outcome>
  readonly everyMs: number
  /** aborted when Redis has replied; until then it asks seldom, for a command takes its time */
  readonly acknowledged: AbortSignal
  readonly giveUp: AbortSignal
}

/** Asks without waiting for the answers, so that a slow one does not hide what comes after it. */
async function probe({
  sendRequest,
  everyMs,
  acknowledged,
  giveUp,
}: Probe): Promise<readonly Outcome[]> {
  const asked: Promise<Outcome>[] = []
  const progress = { unanswered: 0, refusedInARow: 0 }
  const sendOnce = async (): Promise<Outcome> => {
    progress.unanswered += 1
    const outcome = await sendRequest()
    progress.unanswered -= 1
    progress.refusedInARow = outcome.status === 401 ? progress.refusedInARow + 1 : 0
    return outcome
  }
  while (progress.refusedInARow < REFUSED_IN_A_ROW && !giveUp.aborted) {
    if (progress.unanswered < MAX_UNANSWERED) asked.push(sendOnce())
    await (acknowledged.aborted ? pause(everyMs) : pauseUntil(acknowledged))
  }
  return Promise.all(asked)
}

async function pauseUntil(signal: AbortSignal): Promise<void> {
  await pause(SEND_BEFORE_EVERY_MS, undefined, { signal }).catch(() => undefined) // it has come
}
