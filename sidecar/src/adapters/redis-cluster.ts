import { Cluster, Redis, type RedisOptions } from 'ioredis'
import {
  CONNECTION_OPTIONS,
  type Credentials,
  credentialOptions,
  describeFailure,
  observed,
  type RedisObserver,
  ROLE_OPTIONS,
  reconnectDelayMs,
  SERVER_OPTIONS,
  type TlsSettings,
  tlsOptions,
} from './redis.ts'
import type { ServerAddress } from './redis-sentinel.ts'

export interface ClusterSettings extends Credentials {
  /** some of its servers; the others are learnt from them */
  readonly servers: readonly ServerAddress[]
  /** null for plain TCP */
  readonly tls: TlsSettings | null
}

/** How often the slots' places are read again; servers that went are tried again as often. */
const REFRESH_EVERY_MS = 1000
const REFRESH_TIMEOUT_MS = 500
/** a slot is moved once; more means that the servers disagree */
const MAX_REDIRECTIONS = 4

/**
 * A Redis Cluster, with the promises of `openRedis`. Commands go to primaries alone, each by itself: a
 * pipeline that meets one moved slot fails whole in ioredis, and gains nothing (docs/decisions.md).
 */
export function openClusterRedis(settings: ClusterSettings, observer: RedisObserver): Cluster {
  const cluster = new Cluster([...settings.servers], {
    scaleReads: 'master',
    enableOfflineQueue: false,
    // It asks one server at random, of which all but one are still being connected to: the more servers, the
    // longer until it happens to find that one. `probeRedis` asks whether the Cluster is well.
    enableReadyCheck: false,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: REFRESH_EVERY_MS,
    slotsRefreshTimeout: REFRESH_TIMEOUT_MS,
    clusterRetryStrategy: reconnectDelayMs,
    // Names stay names, so that certificates are compared with them and a changed address is found.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: { ...CONNECTION_OPTIONS, ...accessOptions(settings) },
  })
  connectServers(cluster, observer)
  // INVARIANT: an emitter of errors without a listener would end the process.
  cluster.on('error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('node error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('close', () => observer.connected(false))
  return cluster
}

/** The connection to one server of a Cluster on which it tells of changes. */
export function openClusterTracking(
  settings: ClusterSettings,
  address: ServerAddress,
  observer: RedisObserver,
): Redis {
  const options = { ...SERVER_OPTIONS, ...ROLE_OPTIONS.tracking, ...accessOptions(settings) }
  const { host, port } = address
  return observed(new Redis({ ...options, host, port }), observer)
}

function accessOptions(
  settings: ClusterSettings,
): Pick<RedisOptions, 'username' | 'password' | 'tls'> {
  return {
    ...credentialOptions(settings),
    ...(settings.tls === null ? {} : { tls: tlsOptions(settings.tls) }),
  }
}

/**
 * Connects to each server as soon as it is known. ioredis would do so with the first command, fail others
 * that come meanwhile, and call the Cluster ready before.
 */
function connectServers(cluster: Cluster, observer: RedisObserver): void {
  let connecting: Promise<unknown> = Promise.resolve()
  cluster.on('+node', (node) => {
    connecting = Promise.allSettled([connecting, node.connect()]) // a node error tells of failures
  })
  cluster.on('ready', () => {
    void connecting.then(() => cluster.status === 'ready' && observer.connected(true))
  })
}
