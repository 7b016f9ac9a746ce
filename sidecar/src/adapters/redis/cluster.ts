import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Address } from '../../domain/address.ts'
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
} from './client.ts'

export interface ClusterSettings extends Credentials {
  /** some of its servers, from which the client learns the others */
  readonly servers: readonly Address[]
  /** null for plain TCP */
  readonly tls: TlsSettings | null
}

/** How often the slot table is read again; lost servers are tried again as often. */
const REFRESH_EVERY_MS = 1000
const REFRESH_TIMEOUT_MS = 500
/** a slot is moved once; more redirections mean that the servers disagree */
const MAX_REDIRECTIONS = 4

/**
 * A Redis Cluster, with the guarantees of `openRedis`. Commands go only to primaries, each by
 * itself: a pipeline that meets a moved slot fails whole in ioredis, and gains nothing
 * (docs/decisions.md).
 */
export function openClusterRedis(settings: ClusterSettings, observer: RedisObserver): Cluster {
  let attempts = 0
  const cluster = new Cluster([...settings.servers], {
    scaleReads: 'master',
    enableOfflineQueue: false,
    // The ready check asks a server at random, and all but one are still connecting: the more
    // servers, the longer it takes to hit a connected server. `probeRedis` checks the Cluster.
    enableReadyCheck: false,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: REFRESH_EVERY_MS,
    slotsRefreshTimeout: REFRESH_TIMEOUT_MS,
    // ioredis' own count starts anew with each answer about slots, also from a server without slots
    clusterRetryStrategy: () => reconnectDelayMs(++attempts),
    // Names stay names, so that certificates are compared with them and a changed address is found.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: { ...CONNECTION_OPTIONS, ...accessOptions(settings) },
  })
  connectServers(cluster, () => {
    attempts = 0
    observer.connected(true)
  })
  // INVARIANT: errors have a listener, or an emitted error would end the process.
  cluster.on('error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('node error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('close', () => observer.connected(false))
  return cluster
}

/** The connection to a server of a Cluster for its invalidations. */
export function openClusterTracking(
  settings: ClusterSettings,
  address: Address,
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
 * Connects to each server as soon as it is known. ioredis would connect with the first command,
 * fail other commands meanwhile, and call the Cluster ready before.
 *
 * @param connected called when every known server was tried, and at least one answers
 */
function connectServers(cluster: Cluster, connected: () => void): void {
  let connecting: Promise<unknown> = Promise.resolve()
  cluster.on('+node', (node: Redis) => {
    handleAsking(node)
    // a node error reports failures; earlier results are dropped
    connecting = Promise.allSettled([connecting, node.connect()]).then(() => undefined)
  })
  const isAnswered = (): boolean =>
    cluster.status === 'ready' && cluster.nodes('master').some(({ status }) => status === 'ready')
  cluster.on('ready', () => void connecting.then(() => isAnswered() && connected()))
}

/**
 * ioredis drops the promise of the ASKING that it sends before a redirected command.
 *
 * INVARIANT: a stalled move of a slot ends no process; the rejected promise would be unhandled.
 * Where ASKING gets no answer, the command behind it gets none either, and its caller receives the
 * failure.
 */
function handleAsking(node: Redis): void {
  const asking = node.asking.bind(node)
  node.asking = () => {
    const answer = asking()
    answer.catch(() => 'the command behind it fails for the same cause')
    return answer
  }
}
