import { Redis } from 'ioredis'
import type { Address } from '../../domain/address.ts'
import {
  CONNECTION_OPTIONS,
  type ConnectionRole,
  type Credentials,
  credentialOptions,
  observed,
  type RedisObserver,
  ROLE_OPTIONS,
  reconnectDelayMs,
  SERVER_OPTIONS,
  sendTogether,
  type TlsSettings,
  tlsOptions,
} from './client.ts'
import { leaveWhenDemoted, letGo } from './primary.ts'

export interface SentinelSettings extends Credentials {
  readonly sentinels: readonly Address[]
  /** the Sentinels' name of the primary and its replicas */
  readonly name: string
  readonly db: number
  readonly sentinelCredentials: Credentials
  /** for Redis and Sentinels alike; null for plain TCP */
  readonly tls: TlsSettings | null
}

const REQUEST_EVERY_MS = 1000

/**
 * The primary that Sentinels name, with the guarantees of `openRedis`. ioredis asks the Sentinels
 * at each attempt to connect, and accepts only a server that calls itself a master.
 *
 * INVARIANT: a connection to a server that is no longer the primary is closed within seconds. A
 * replica may lack a revocation, and would answer that there is none.
 */
export function openSentinelRedis(
  settings: SentinelSettings,
  observer: RedisObserver,
  role: ConnectionRole = 'commands',
): Redis {
  const tls = settings.tls === null ? null : tlsOptions(settings.tls)
  const { username, password } = settings.sentinelCredentials
  const redis = new Redis({
    ...SERVER_OPTIONS,
    ...ROLE_OPTIONS[role],
    ...credentialOptions(settings),
    sentinels: [...settings.sentinels],
    name: settings.name,
    role: 'master',
    db: settings.db,
    ...(username === null ? {} : { sentinelUsername: username }),
    ...(password === null ? {} : { sentinelPassword: password }),
    ...(tls === null ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: CONNECTION_OPTIONS.commandTimeout,
    sentinelRetryStrategy: reconnectDelayMs,
  })
  sendTogether(redis)
  leaveWhenDemoted(redis)
  const stopFollowing = followPrimary(redis, settings)
  redis.once('end', stopFollowing)
  return observed(redis, observer)
}

/**
 * Leaves a server that a Sentinel stops naming: behind a broken network the old primary still
 * answers. ioredis' own detector can end a connection for good while another is being made, and
 * writes errors to the console.
 *
 * @returns a function that ends the watch
 */
function followPrimary(redis: Redis, settings: SentinelSettings): () => void {
  const sentinels = settings.sentinels.map((address) => openSentinel(address, settings))
  const named = new Map<Redis, string>()
  const requestPrimaries = (): void => {
    if (redis.status !== 'ready') return
    for (const sentinel of sentinels) void requestPrimary(sentinel)
  }
  redis.on('ready', requestPrimaries)
  const timer = setInterval(requestPrimaries, REQUEST_EVERY_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    for (const sentinel of sentinels) sentinel.disconnect()
  }

  async function requestPrimary(sentinel: Redis): Promise<void> {
    const address = await primaryNamedBy(sentinel, settings.name)
    if (address === null) return
    const before = named.get(sentinel)
    named.set(sentinel, address)
    if (before !== undefined && before !== address) letGo(redis)
  }
}

/** @returns null when this Sentinel does not answer */
async function primaryNamedBy(sentinel: Redis, name: string): Promise<string | null> {
  try {
    const reply = await sentinel.call('SENTINEL', 'get-master-addr-by-name', name)
    return Array.isArray(reply) ? reply.join(':') : null
  } catch {
    return null // it is asked again, and so are the others
  }
}

function openSentinel(address: Address, settings: SentinelSettings): Redis {
  const sentinel = new Redis({
    ...CONNECTION_OPTIONS,
    ...credentialOptions(settings.sentinelCredentials),
    ...address,
    ...(settings.tls === null ? {} : { tls: tlsOptions(settings.tls) }),
    enableReadyCheck: false,
    enableOfflineQueue: false,
    retryStrategy: () => REQUEST_EVERY_MS,
  })
  sentinel.on('error', () => 'it is tried again') // without a listener ioredis prints it
  return sentinel
}
