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
  /** some of its servers; the others are learnt from them */
  readonly servers: readonly Address[]
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
  let attempts = 0
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
    // ioredis' own count begins anew with each answer about slots, also from a server that has none
    clusterRetryStrategy: () => reconnectDelayMs(++attempts),
    // Names stay names, so that certificates are compared with them and a changed address is found.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: { ...CONNECTION_OPTIONS, ...accessOptions(settings) },
  })
  connectServers(cluster, () => {
    attempts = 0
    observer.connected(true)
  })
  // INVARIANT: an emitter of errors without a listener would end the process.
  cluster.on('error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('node error', (error) => observer.connectionFailed(describeFailure(error)))
  cluster.on('close', () => observer.connected(false))
  return cluster
}

/** The connection to one server of a Cluster on which it tells of changes. */
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
 * Connects to each server as soon as it is known. ioredis would do so with the first command, fail others
 * that come meanwhile, and call the Cluster ready before.
 *
 * @param connected told when every server that is known was tried, and one answers
 */
function connectServers(cluster: Cluster, connected: () => void): void {
  let connecting: Promise<unknown> = Promise.resolve()
  cluster.on('+node', (node: Redis) => {
    handleAsking(node)
    // a node error tells of failures; what came before is not held
    connecting = Promise.allSettled([connecting, node.connect()]).then(() => undefined)
  })
  const isAnswered = (): boolean =>
    cluster.status === 'ready' && cluster.nodes('master').some(({ status }) => status === 'ready')
  cluster.on('ready', () => void connecting.then(() => isAnswered() && connected()))
}

/**
 * ioredis drops the promise of the ASKING that it sends before a redirected command.
 *
 * INVARIANT: a slot's move that stalls ends no process. Where ASKING gets no answer, the command behind it
 * gets none either, and its caller receives the failure.
 */
function handleAsking(node: Redis): void {
  const asking = node.asking.bind(node)
  node.asking = () => {
    const answer = asking()
    answer.catch(() => 'the command behind it fails for the same cause')
    return answer
  }
}
