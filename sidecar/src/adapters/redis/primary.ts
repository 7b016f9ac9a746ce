import { createRequire } from 'node:module'
import type { Redis } from 'ioredis'
import type * as Standalone from 'ioredis/built/connectors/StandaloneConnector.js'

/** ioredis takes a Connector, and exports but the abstract one. */
const standalone: typeof Standalone.default = createRequire(import.meta.url)(
  'ioredis/built/connectors/StandaloneConnector.js',
)

/**
 * Takes a server only while it calls itself a master, as ioredis does behind Sentinels.
 *
 * INVARIANT: a replica knows of no revocation that it was not told of, and would answer that there is none.
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

/** Lets go of a server that demotes itself while it is connected to, within two seconds. */
export function leaveWhenDemoted(redis: Redis): void {
  const readRole = (): void => {
    if (redis.status !== 'ready') return
    redis.info('replication').then(
      (info) => (/^role:master\b/m.test(info) ? undefined : letGo(redis)),
      () => undefined, // whoever waits for commands hears of it
    )
  }
  const timer = setInterval(readRole, READ_EVERY_MS)
  timer.unref()
  redis.on('ready', readRole)
  redis.once('end', () => clearInterval(timer))
}

/** Ends a connection, which then comes back. */
export function letGo(redis: Redis): void {
  if (redis.status === 'ready') redis.disconnect(true)
}

/**
 * Names a running server and the history of its data: both change when another takes over, the second also
 * where the same server was a replica in between.
 *
 * @param info what INFO says
 */
export function serverIdOf(info: string): string | null {
  const run = /^run_id:(\S+)/m.exec(info)?.[1]
  const history = /^master_replid:(\S+)/m.exec(info)?.[1]
  return run === undefined || history === undefined ? null : `${run}/${history}`
}
