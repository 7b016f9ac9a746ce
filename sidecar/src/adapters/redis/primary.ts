import { createRequire } from 'node:module'
import type { Redis } from 'ioredis'
import type * as Standalone from 'ioredis/built/connectors/StandaloneConnector.js'

/** ioredis accepts a Connector, and exports only the abstract class. */
const standalone: typeof Standalone.default = createRequire(import.meta.url)(
  'ioredis/built/connectors/StandaloneConnector.js',
)

/**
 * Accepts a server only while it calls itself a master, as ioredis does behind Sentinels.
 *
 * INVARIANT: a replica is never read. It may lack a revocation, and would answer that there is
 * none.
 */
export class PrimaryConnector extends standalone.default {
  constructor(options: unknown) {
    super(Object(options))
  }

  override check(info: unknown): boolean {
    return Object(info).role === 'master'
  }
}

const READ_EVERY_MS = 1000

/** Leaves a connected server that demotes itself, within two seconds. */
export function leaveWhenDemoted(redis: Redis): void {
  const readRole = (): void => {
    if (redis.status !== 'ready') return
    redis.info('replication').then(
      (info) => (/^role:master\b/m.test(info) ? undefined : letGo(redis)),
      () => undefined, // the caller of a waiting command gets the failure
    )
  }
  const timer = setInterval(readRole, READ_EVERY_MS)
  timer.unref()
  redis.on('ready', readRole)
  redis.once('end', () => clearInterval(timer))
}

/** Ends a connection, which then reconnects. */
export function letGo(redis: Redis): void {
  if (redis.status === 'ready') redis.disconnect(true)
}

/**
 * Identifies a running server and the history of its data: both change when another server takes
 * over, the second also when the same server was a replica in between.
 *
 * @param info the reply of INFO
 */
export function serverIdOf(info: string): string | null {
  const run = /^run_id:(\S+)/m.exec(info)?.[1]
  const history = /^master_replid:(\S+)/m.exec(info)?.[1]
  return run === undefined || history === undefined ? null : `${run}/${history}`
}
