import type { ConnectionOptions } from 'node:tls'
import { type Cluster, Redis, type RedisOptions, ReplyError } from 'ioredis'
import { withoutBrackets } from '../../domain/address.ts'
import { leaveWhenDemoted, PrimaryConnector } from './primary.ts'

/** A single Redis (alone, or the primary that Sentinels name), or a Cluster. */
export type RedisClient = Redis | Cluster

export interface RedisSettings {
  /**
   * `redis://host[:port][/db]`, `rediss://…` for TLS, or `unix:///path`; may contain user and
   * password
   */
  readonly url: string
  /** overrides the user of the URL; null for none */
  readonly username: string | null
  readonly password: string | null
  /** PEM of the authorities trusted with `rediss:`; null for the system's */
  readonly ca: string | null
  /** for a Redis that requires a client certificate with `rediss:` */
  readonly clientCertificate?: ClientCertificate | null
}

/** PEM of a certificate and its private key. */
export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/** Called with events of the connection; must not throw. No argument contains a secret. */
export interface RedisObserver {
  connected(isUp: boolean): void
  /**
   * a failed attempt to connect, or a failed connection: at most one or two per second and server
   */
  connectionFailed(message: string): void
  /**
   * @param failure null when the commands were answered; a call covers all commands sent together
   */
  commandsEnded(seconds: number, failure: string | null): void
}

/** For connections that only probe; the workers' connections are measured. */
export const SILENT_REDIS: RedisObserver = {
  connected: () => undefined,
  connectionFailed: () => undefined,
  commandsEnded: () => undefined,
}

/** How long a command may take, waiting included, before it counts as failed. */
export const COMMAND_TIMEOUT_MS = 250

// A connection to a server that is silent this long is dropped with its pending commands, so that
// nothing piles up.
const SILENCE_TIMEOUT_MS = 1000
const MAX_RECONNECT_DELAY_MS = 500

/**
 * The pause before an attempt to connect, without end.
 *
 * @param attempt from 1
 */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS)
}

/** Options of every connection to a server of Redis: time limits, and no repeated command. */
export const CONNECTION_OPTIONS = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_TIMEOUT_MS,
  connectTimeout: SILENCE_TIMEOUT_MS,
  disconnectTimeout: COMMAND_TIMEOUT_MS,
  maxLoadingRetryTime: MAX_RECONNECT_DELAY_MS,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectionName: 'brickgate',
  disableClientInfo: true, // Redis 7.0 does not know this command, and a narrow ACL forbids it
} as const satisfies RedisOptions

/**
 * Further options of a connection to a single server: it reconnects forever, and leaves a server
 * that became a replica. Reconnecting may find the successor, where a name or an address moved.
 */
export const SERVER_OPTIONS = {
  ...CONNECTION_OPTIONS,
  enableOfflineQueue: false,
  retryStrategy: reconnectDelayMs,
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
} as const satisfies RedisOptions
/**
 * The purpose of a connection. Invalidations arrive as messages, which RESP3 would push past
 * ioredis.
 */
export type ConnectionRole = 'commands' | 'tracking'

export const ROLE_OPTIONS = {
  commands: { enableAutoPipelining: false }, // `sendTogether` does it better
  // tracking is turned on again after each `ready`, and only then is there something to subscribe
  // to
  tracking: { protocol: 2, autoResubscribe: false },
} as const satisfies Record<ConnectionRole, Partial<RedisOptions>>

/**
 * A connection that reconnects by itself, without a time limit, and never repeats or queues a
 * command: a command that cannot be sent now fails now. The caller closes it with `disconnect()`.
 *
 * @throws {RangeError} for a URL of another form; the message does not repeat the URL
 */
export function openRedis(
  settings: RedisSettings,
  observer: RedisObserver,
  role: ConnectionRole = 'commands',
): Redis {
  const redis = new Redis({
    ...SERVER_OPTIONS,
    ...ROLE_OPTIONS[role],
    ...serverOptions(settings),
    Connector: PrimaryConnector,
  })
  sendTogether(redis)
  leaveWhenDemoted(redis)
  return observed(redis, observer)
}

/**
 * Sends the commands of a turn of the event loop in a single write.
 *
 * INVARIANT: no command waits for the answers to earlier commands. ioredis' auto-pipelining makes
 * it wait: with a round trip of more than half of `COMMAND_TIMEOUT_MS`, commands would fail before
 * they are sent.
 */
export function sendTogether(redis: Redis): void {
  const send = redis.sendCommand.bind(redis)
  let corked: Redis['stream'] | null = null
  redis.sendCommand = (command, stream) => {
    const connection: Redis['stream'] | undefined = redis.stream // none before the first attempt
    if (connection !== undefined && connection !== corked) {
      corked = connection
      connection.cork()
      setImmediate(() => {
        if (corked === connection) corked = null
        connection.uncork()
      })
    }
    return send(command, stream)
  }
}

/** @returns the client, which reports its connection to the observer from now on */
export function observed<T extends RedisClient>(redis: T, observer: RedisObserver): T {
  // INVARIANT: errors have a listener, or an emitted error would end the process.
  redis.on('error', (error) => observer.connectionFailed(describeFailure(error)))
  redis.on('ready', () => observer.connected(true))
  redis.on('close', () => observer.connected(false))
  return redis
}

/**
 * The kind and text of a failure, without the arguments of the failed command: ioredis attaches
 * them to its errors, and Redis repeats them for unknown commands.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const [text = ''] = error.message.split(', with args')
  if (text !== '') return text
  return 'code' in error ? String(error.code) : error.name // refused by several addresses
}

export function isCluster(redis: RedisClient): redis is Cluster {
  return redis.isCluster
}

/** Whether Redis answered, even with an error. */
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
    ...(isUnix ? { path: decodeURIComponent(url.pathname) } : tcpOptions(url, settings)),
    ...credentialOptions({
      username: settings.username ?? decodeURIComponent(url.username),
      password: settings.password ?? decodeURIComponent(url.password),
    }),
  }
}

function tcpOptions(url: URL, settings: RedisSettings): ServerOptions {
  if (!/^(\/[0-9]{0,9})?$/.test(url.pathname)) {
    throw new RangeError('the path of the redis url must be the number of a database')
  }
  return {
    host: withoutBrackets(url.hostname) || 'localhost',
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1)),
    ...(url.protocol === 'rediss:' ? { tls: tlsOptions(settings) } : {}),
  }
}

export interface Credentials {
  readonly username: string | null
  readonly password: string | null
}

/** @returns the present fields; ioredis treats an undefined name as a name */
export function credentialOptions({ username, password }: Credentials): ServerOptions {
  return {
    ...(username === null || username === '' ? {} : { username }),
    ...(password === null || password === '' ? {} : { password }),
  }
}

export type TlsSettings = Pick<RedisSettings, 'ca' | 'clientCertificate'>

export function tlsOptions({ ca, clientCertificate }: TlsSettings): ConnectionOptions {
  return {
    ...(ca === null ? {} : { ca }),
    ...(clientCertificate === undefined || clientCertificate === null
      ? {}
      : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  }
}
