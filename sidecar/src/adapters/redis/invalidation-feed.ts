import type { Redis } from 'ioredis'
import type { Clock } from '../../domain/clock.ts'
import { INVALIDATION_CHANNEL, TRACKED_PREFIXES } from '../../domain/redis-keys.ts'
import type { FeedListener, FeedObserver, InvalidationFeed } from '../../near-cache/feed.ts'
import { createHeartbeat } from '../../near-cache/heartbeat.ts'
import { describeFailure } from './client.ts'
import { serverIdOf } from './primary.ts'

export interface InvalidationFeedDeps {
  /**
   * a separate connection: RESP2, without automatic resubscribing, opened like the connection for
   * commands
   */
  readonly tracking: Redis
  /** the connection for commands: heartbeats take the path of writes */
  readonly commands: Pick<Redis, 'set'>
  /**
   * prefixes for heartbeats when not right under the tracked prefixes; with none, PING replaces
   * heartbeats
   */
  readonly heartbeatPrefixes?: readonly string[]
  readonly observer: FeedObserver
  readonly clock: Clock
  /** a fresh, unguessable name for each heartbeat */
  readonly newId: () => string
  readonly intervalMs: number
}

/** a heartbeat that is this late will not come: the connection is replaced */
const SILENT_AFTER_MS = 1000

/**
 * The feed of a single Redis, or of the current primary behind Sentinels, by server-assisted
 * client-side caching in broadcasting mode.
 *
 * INVARIANT: the feed is as fresh as the write of the last heartbeat whose invalidations all came
 * back on this connection. An answering connection proves nothing: tracking may be off, and
 * revocations would be missed.
 */
export function createInvalidationFeed(deps: InvalidationFeedDeps): InvalidationFeed {
  const { tracking, clock, observer } = deps
  const heartbeat = createHeartbeat({
    prefixes: deps.heartbeatPrefixes ?? TRACKED_PREFIXES,
    write: (keys) => (keys.length === 0 ? pinged(tracking) : writeHeartbeats(deps.commands, keys)),
    clock,
    newId: deps.newId,
    onLag: (ms) => observer.lag(ms / 1000),
  })
  let serverId: string | null = null
  let timer: NodeJS.Timeout | null = null

  return {
    stalenessMs: heartbeat.stalenessMs,
    serverId: () => serverId,
    start(listener) {
      tracking.on('messageBuffer', (_channel: Buffer, message: unknown) => hear(message, listener))
      tracking.on('close', () => {
        serverId = null
        heartbeat.stop()
      })
      const begin = (): void => void track(listener)
      tracking.on('ready', begin)
      if (tracking.status === 'ready') begin()
      timer = setInterval(tick, deps.intervalMs)
    },
    close() {
      if (timer !== null) clearInterval(timer)
      tracking.disconnect()
    },
  }

  async function track(listener: FeedListener): Promise<void> {
    try {
      const info = await tracking.info()
      const id = await tracking.client('ID')
      const prefixes = TRACKED_PREFIXES.flatMap((prefix) => ['PREFIX', prefix])
      await tracking.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', ...prefixes)
      await tracking.subscribe(INVALIDATION_CHANNEL)
      serverId = serverIdOf(info)
      listener.reset('unheard')
      heartbeat.start()
    } catch (error) {
      observer.failed(describeFailure(error))
      tracking.disconnect(true)
    }
  }

  function hear(message: unknown, listener: FeedListener): void {
    if (!Array.isArray(message)) return listener.reset('emptied')
    const keys = message.map(String).filter((key) => !heartbeat.heard(key))
    if (keys.length > 0) listener.invalidated(keys)
  }

  function tick(): void {
    if (heartbeat.isOverdue(SILENT_AFTER_MS)) {
      observer.failed('the tracking connection is silent')
      tracking.disconnect(true)
    }
    heartbeat.beat()
    observer.staleness(heartbeat.ageMs() / 1000)
  }
}

/**
 * A primary without slots accepts no writes; PING at least proves that this connection is alive.
 */
async function pinged(tracking: Redis): Promise<boolean> {
  try {
    await tracking.ping()
    return true
  } catch {
    return false
  }
}

const HEARTBEAT_TTL_MS = 5000

/** @returns whether every key was written */
export async function writeHeartbeats(
  redis: Pick<Redis, 'set'>,
  keys: readonly string[],
): Promise<boolean> {
  const writes = keys.map((key) => redis.set(key, '1', 'PX', HEARTBEAT_TTL_MS))
  const outcomes = await Promise.allSettled(writes)
  return outcomes.every(({ status }) => status === 'fulfilled')
}
