import { Redis, type RedisOptions, ReplyError } from 'ioredis'

export interface RedisSettings {
  /** `redis://host[:port][/db]`, `rediss://…` for TLS, or `unix:///path`; may hold user and password */
  readonly url: string
  /** overrides the one in the URL; null for none */
  readonly username: string | null
  readonly password: string | null
  /** PEM of the authorities trusted with `rediss:`; null for the system's */
  readonly ca: string | null
}

/** Told of what happens on the connection; must not throw. No text it gets holds a secret. */
export interface RedisObserver {
  connected(isUp: boolean): void
  /** an attempt to connect, or a connection, that failed: at most one or two a second */
  connectionFailed(message: string): void
  /** @param failure null when the commands were answered; one call for what was sent together */
  commandsEnded(seconds: number, failure: string | null): void
}

/** How long a command may take, waiting included, before it counts as failed. */
export const COMMAND_TIMEOUT_MS = 250

// A server that stays silent this long is dropped with what waits for it, so that nothing piles up.
const SILENCE_TIMEOUT_MS = 1000
const MAX_RECONNECT_DELAY_MS = 500

/** What a connection is for. Invalidations arrive as messages, which RESP3 would push past ioredis. */
export type ConnectionRole = 'commands' | 'tracking'

const ROLE_OPTIONS = {
  commands: { enableAutoPipelining: true },
  // after each `ready` tracking is asked for again, and only then is there something to subscribe to
  tracking: { protocol: 2, autoResubscribe: false },
} as const satisfies Record<ConnectionRole, Partial<RedisOptions>>

/**
 * A connection that comes back by itself, for as long as it takes, and never repeats or queues a
 * command: what cannot be asked now fails now. The caller closes it with `disconnect()`.
 *
 * @throws {RangeError} for a URL of another form; the message does not repeat it
 */
export function openRedis(
  settings: RedisSettings,
  observer: RedisObserver,
  role: ConnectionRole = 'commands',
): Redis {
  const redis = new Redis({
    ...serverOptions(settings),
    ...ROLE_OPTIONS[role],
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    connectTimeout: SILENCE_TIMEOUT_MS,
    maxLoadingRetryTime: MAX_RECONNECT_DELAY_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS),
  })
  // INVARIANT: an emitter of errors without a listener would end the process.
  redis.on('error', (error) => observer.connectionFailed(describeFailure(error)))
  redis.on('ready', () => observer.connected(true))
  redis.on('close', () => observer.connected(false))
  return redis
}

/**
 * The kind and text of a failure, without the arguments of the command that failed: ioredis attaches
 * them to its errors, and Redis repeats them for commands it does not know.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const [text = ''] = error.message.split(', with args')
  if (text !== '') return text
  return 'code' in error ? String(error.code) : error.name // a refused connection to several addresses
}

/** Whether Redis answered, be it with an error. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof ReplyError
}

type ServerOptions = Pick<
  RedisOptions,
  'path' | 'host' | 'port' | 'db' | 'tls' | 'username' | 'password'
>

function serverOptions(settings: RedisSettings): ServerOptions {
  const url = URL.parse(settings.url)
  const isUnix = url?.protocol === 'unix:'
  if (url === null || url.search !== '' || !(isUnix || /^rediss?:$/.test(url.protocol))) {
    throw new RangeError('the redis url must be redis:, rediss: or unix:, without a query')
  }
  return {
    ...(isUnix ? { path: decodeURIComponent(url.pathname) } : tcpOptions(url, settings.ca)),
    ...credentialOptions(settings, url),
  }
}

function tcpOptions(url: URL, ca: string | null): ServerOptions {
  if (!/^(\/[0-9]{0,9})?$/.test(url.pathname)) {
    throw new RangeError('the path of the redis url must be the number of a database')
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1)),
    ...(url.protocol === 'rediss:' ? { tls: ca === null ? {} : { ca } } : {}),
  }
}

function credentialOptions(settings: RedisSettings, url: URL): ServerOptions {
  const username = settings.username ?? decodeURIComponent(url.username)
  const password = settings.password ?? decodeURIComponent(url.password)
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  }
}
