import type { RedisClient } from '../adapters/redis/client.ts'
import { readMemoryRatio } from '../adapters/redis/health.ts'
import { watchRedis } from '../adapters/redis/watch.ts'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../observe/log.ts'
import {
  createOutageEdges,
  createOutageLog,
  type OutageEdge,
  type RedisNews,
} from '../session/outage.ts'
import { createPasswordWatch, type PasswordWatch } from './password-watch.ts'

/** The primary's knowledge of Redis, for its present and future workers. */
export interface RedisMonitor extends Pick<PasswordWatch, 'isPasswordNeeded'> {
  news(): RedisNews
  /** watches this client, and no longer the previous client */
  follow(redis: RedisClient): void
  /** a worker's own outage begins or ends */
  heard(workerId: number, edge: OutageEdge): void
  /** a worker is gone, so its outage is over */
  gone(workerId: number): void
  close(): void
}

export interface RedisMonitorDeps {
  readonly clock: Pick<Clock, 'nowSeconds'>
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** sends news to every worker */
  readonly broadcast: (news: RedisNews) => void
  /** called every second with the fill level of Redis; null without a limit */
  readonly onMemory: (ratio: number | null) => void
}

/**
 * From this share of `maxmemory` on, sidecars create nothing that callers could create without end.
 * The rest is for revocations and for existing sessions: their refreshes, last uses and ends.
 */
export const FULL_FROM = 0.9

/** More than one per minute for a working day. */
const MAX_OUTAGES = 500
const OWN = 'primary'

export function createRedisMonitor(deps: RedisMonitorDeps): RedisMonitor {
  const { clock, log, broadcast } = deps
  const outages = createOutageLog(MAX_OUTAGES)
  const passwords = createPasswordWatch({ clock, log })
  let endWatch = (): void => undefined
  let isFull = false

  return {
    news,
    isPasswordNeeded: passwords.isPasswordNeeded,
    follow(redis) {
      endWatch()
      const edges = createOutageEdges((edge) => passOn(OWN, edge))
      endWatch = watchRedis(
        redis,
        clock.nowSeconds,
        ({ askedSeconds, knownSeconds, isUp, isWritable }) => {
          edges(askedSeconds, knownSeconds, isWritable)
          void measure(redis)
          if (isUp) void passwords.look(redis)
        },
      )
    },
    heard: (workerId, edge) => passOn(`worker ${workerId}`, edge),
    gone: (workerId) =>
      passOn(`worker ${workerId}`, { kind: 'ended', atSeconds: clock.nowSeconds() }),
    close: () => endWatch(),
  }

  function news(): RedisNews {
    return { outages: outages.all(), isFull }
  }

  async function measure(redis: RedisClient): Promise<void> {
    const ratio = await readMemoryRatio(redis)
    if (ratio === undefined) return // the last known value counts
    deps.onMemory(ratio)
    const wasFull = isFull
    isFull = ratio !== null && ratio >= FULL_FROM
    if (isFull === wasFull) return
    if (isFull) log.warn({ ratio }, 'redis is nearly full: no new sessions are made')
    else log.info({ ratio }, 'redis has room again for new sessions')
    broadcast(news())
  }

  function passOn(source: string, edge: OutageEdge): void {
    const wasOutage = isOutage()
    if (edge.kind === 'began') outages.began(source, edge.sinceSeconds)
    else outages.ended(source, edge.atSeconds)
    if (!wasOutage && isOutage()) log.warn({ source }, 'the use of sessions cannot be noted')
    if (wasOutage && !isOutage()) log.info({ source }, 'the use of sessions is noted again')
    if (wasOutage || isOutage()) broadcast(news())
  }

  function isOutage(): boolean {
    return outages.all().at(-1)?.untilSeconds === null
  }
}
