import { readFileSync } from 'node:fs'
import {
  type ClientCertificate,
  type ConnectionRole,
  type Credentials,
  openRedis,
  type RedisClient,
  type RedisObserver,
  type TlsSettings,
} from '../adapters/redis/client.ts'
import { type ClusterSettings, openClusterRedis } from '../adapters/redis/cluster.ts'
import { openSentinelRedis } from '../adapters/redis/sentinel.ts'
import type { Config } from '../config/schema.ts'
import { parseAddress } from '../domain/address.ts'

/**
 * The client for the Redis in `brickgate.yaml`.
 *
 * @param role of the only connection; a Cluster's client has a connection to each server, all for
 *   commands
 * @throws {Error} when a file cannot be read
 */
export function openConfiguredRedis(
  { redis }: Pick<Config, 'redis'>,
  observer: RedisObserver,
  role: ConnectionRole = 'commands',
): RedisClient {
  const credentials = credentialsOf(redis.username, redis.password)
  if ('url' in redis) {
    return openRedis({ url: redis.url, ...credentials, ...certificatesOf(redis) }, observer, role)
  }
  if ('cluster' in redis) {
    return openClusterRedis(clusterSettings(redis), observer)
  }
  return openSentinelRedis(
    {
      sentinels: redis.sentinels.map(parseAddress),
      name: redis.name,
      db: redis.db,
      ...credentials,
      sentinelCredentials: credentialsOf(redis.sentinel_username, redis.sentinel_password),
      tls: tlsOf(redis),
    },
    observer,
    role,
  )
}

type RedisConfig = Config['redis']
type WithTls = Exclude<RedisConfig, { url: string }>

/** @throws {Error} when a file cannot be read */
export function clusterSettings(
  redis: Extract<RedisConfig, { cluster: unknown }>,
): ClusterSettings {
  return {
    servers: redis.cluster.map(parseAddress),
    ...credentialsOf(redis.username, redis.password),
    tls: tlsOf(redis),
  }
}

function credentialsOf(username: string | undefined, password: string | undefined): Credentials {
  return { username: username ?? null, password: password ?? null }
}

function tlsOf(redis: WithTls): TlsSettings | null {
  const certificates = certificatesOf(redis)
  const isOn = redis.tls ?? (certificates.ca !== null || certificates.clientCertificate !== null)
  return isOn ? certificates : null
}

function certificatesOf(redis: RedisConfig): {
  readonly ca: string | null
  readonly clientCertificate: ClientCertificate | null
} {
  const { ca_file, client_certificate_file, client_key_file } = redis
  return {
    ca: ca_file === undefined ? null : readFileSync(ca_file, 'utf8'),
    clientCertificate:
      client_certificate_file === undefined || client_key_file === undefined
        ? null
        : {
            certificate: readFileSync(client_certificate_file, 'utf8'),
            key: readFileSync(client_key_file, 'utf8'),
          },
  }
}
