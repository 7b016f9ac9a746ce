import { setTimeout as pause } from 'node:timers/promises'
import type { SessionHome } from '../harness/sessions.ts'
import type { Caller } from './callers.ts'
import { BOUND_MS } from './fault-fixture.ts'
import type { Fault } from './faults.ts'
import type { Gateways } from './gateways.ts'
import { watchStalls } from './stalls.ts'
import {
  type Give,
  revokeByRedis,
  revokeWatched,
  type Send,
  sender,
  startLoad,
  type Watch,
  type WatchedRevocation,
} from './under-load.ts'
import type { Outage, Run } from './verdict.ts'
import { type Cast, makeCast, type Victim } from './victims.ts'

/** Gateways under a fault, with their ways to Redis. */
export interface FixtureUnderFault {
  readonly gateways: Gateways
  /** both gateways know what is made there */
  readonly stack: SessionHome
  /** to the Redis that counts, whatever has befallen it */
  readonly give: Give
  /**
   * sends a command to Redis by the way of the gateways; left out where a fault changes which Redis
   * that is
   */
  readonly pingRedis?: () => Promise<unknown>
}

export interface FaultRun extends Run {
  readonly cast: Cast
  /** `performance.now()` */
  readonly beganMs: number
  readonly endedMs: number
  /** when everybody in good standing was served again by both gateways */
  readonly recoveredMs: number
  /** when the machine was too slow, whatever befell Redis */
  readonly stalls: readonly Outage[]
}

const PER_SECOND = 100
const REQUEST_EVERY_MS = 20
const AT_ONCE = 5
const CAST = { victims: 14, bystanders: 12 }
const WARMING_REQUESTS = 10
const RECOVERS_WITHIN_MS = 15_000

/**
 * Lets a fault happen under load, with callers who are revoked before it, while it lasts and after
 * it.
 *
 * @param turn how many befell the same scene before
 */
export async function runFault<Fixture extends FixtureUnderFault>(
  fixture: Fixture,
  fault: Fault<Fixture>,
  turn: number,
): Promise<FaultRun> {
  // the kinds move on by one, so that each of them is met by several faults in each stage
  const first = turn * (CAST.victims + 1)
  const cast = await makeCast(fixture.stack, { ...CAST, first })
  const send = sender(fixture.gateways)
  const watch = { send, revoke: revokeByRedis(fixture.give), requestEveryMs: REQUEST_EVERY_MS }
  await warmUp(send, [...cast.bystanders, ...cast.victims])
  const load = startLoad(send, cast, PER_SECOND)
  const stalls = watchStalls(fixture.pingRedis)
  const stages = stagesOf(cast)
  const before = await revokeAll(watch, stages.before)
  await pause(200)

  const beganMs = performance.now()
  await fault.begin(fixture, cast)
  const [tried, later] = partition(stages.meanwhile, fault)
  const meanwhile = revokeAll(watch, tried, fault.revokedAtOnce)
  await pause(fault.lastsMs)
  const endedMs = performance.now()
  await fault.end(fixture)
  const recoveredMs = await recovery(send, cast.bystanders)
  const during = await meanwhile
  const after = await revokeAll(watch, [...later, ...stages.after])
  await pause(BOUND_MS * 1.3)

  const outcomes = await load.stop()
  const watched = [...before, ...during, ...after]
  const stalled = stalls.stop()
  return {
    ...{ cast, beganMs, endedMs, recoveredMs, stalls: stalled, boundMs: BOUND_MS },
    outcomes: [...outcomes, ...watched.flatMap((one) => one.outcomes)],
    revocations: watched.map(({ revocation }) => revocation),
    outages:
      fault.noticed === 'not' ? stalled : [{ fromMs: beganMs, toMs: recoveredMs }, ...stalled],
  }
}

/** Callers that are revoked before a fault, while the fault lasts if tried, and after it. */
export function stagesOf({
  victims,
}: Cast): Readonly<Record<'before' | 'meanwhile' | 'after', readonly Victim[]>> {
  return {
    before: victims.slice(0, 5),
    meanwhile: victims.slice(5, 10),
    after: victims.slice(10),
  }
}

/** Has every worker meet every caller, as far as it is up to those who send. */
export async function warmUp(send: Send, callers: readonly Caller[]): Promise<void> {
  for (const caller of callers) {
    const requests = Array.from({ length: 2 * WARMING_REQUESTS }, (_, at) =>
      send(caller, at % 2 === 0 ? 0 : 1),
    )
    await Promise.all(requests)
  }
}

/**
 * @returns `performance.now()` when all were served.
 * @throws when that takes too long
 */
export async function recovery(send: Send, callers: readonly Caller[]): Promise<number> {
  const giveUpMs = performance.now() + RECOVERS_WITHIN_MS
  for (;;) {
    const asked = callers.flatMap((caller) => [send(caller, 0), send(caller, 1)])
    const answers = await Promise.all(asked)
    if (answers.every(({ status }) => status === 200)) return performance.now()
    if (performance.now() > giveUpMs) throw new Error('not everybody is served again')
    await pause(50)
  }
}

/** Revokes victims in their order, a few at once: those who watch them are a load of their own. */
export async function revokeAll(
  watch: Watch,
  victims: readonly Victim[],
  atOnce: number = AT_ONCE,
): Promise<readonly WatchedRevocation[]> {
  const watched: WatchedRevocation[] = []
  for (let at = 0; at < victims.length; at += atOnce) {
    const few = victims.slice(at, at + atOnce)
    watched.push(...(await Promise.all(few.map((victim) => revokeWatched(watch, victim)))))
  }
  return watched
}

/** @returns callers whose revocation is tried while the fault lasts, and the remaining callers */
function partition(
  victims: readonly Victim[],
  { revocations }: Pick<Fault, 'revocations'>,
): readonly [Victim[], Victim[]] {
  const isTried = ({ redisCli }: Victim): boolean => revocations === 'all' || redisCli[0] === 'DEL'
  return [victims.filter(isTried), victims.filter((victim) => !isTried(victim))]
}
