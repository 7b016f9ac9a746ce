import { Cluster, Redis } from 'ioredis'
import type { z } from 'zod'
import type { redisSchema } from '../../src/config/redis-schema.ts'
import { documentedUsers, PASSWORD } from './documented-users.ts'
import { type RedisCluster, startRedisCluster } from './redis-cluster.ts'
import { type SentinelGroup, startSentinelGroup } from './redis-sentinels.ts'
import { freePort, type RedisServer, redisCli, startRedisServer } from './redis-server.ts'
import { selfSigned } from './self-signed.ts'

/** A running Redis in a form that `brickgate.yaml` can describe. */
export interface RedisDeployment {
  /** the section `redis` of `brickgate.yaml` */
  readonly redis: z.input<typeof redisSchema>
  /** an operator's command, on the server of the key */
  command(name: string, ...args: string[]): Promise<unknown>
  flush(): Promise<void>
  stop(): Promise<void>
}

const USER = { username: 'brickgate', password: PASSWORD }
const ADMIN = { username: 'admin', password: PASSWORD }

/** The documented users are enough everywhere; over TCP the default user connects. */
export async function overUnixSocket(): Promise<RedisDeployment> {
  const server = await startRedisServer()
  await server.cli(...documentedUsers().sidecar)
  return { redis: { url: server.socketUrl, ...USER }, ...single(server) }
}

export async function overTcp(): Promise<RedisDeployment> {
  const server = await startRedisServer()
  return { redis: { url: `${server.url}/3` }, ...single(server, 3) }
}

/**
 * TLS in both directions: Redis requires a certificate too. The default user is off, as documented.
 */
export async function overTls(): Promise<RedisDeployment> {
  const pair = await selfSigned('127.0.0.1')
  const port = String(await freePort())
  const server = await startRedisServer(
    ...['--tls-port', port, '--tls-auth-clients', 'yes', '--tls-ca-cert-file', pair.certFile],
    ...['--tls-cert-file', pair.certFile, '--tls-key-file', pair.keyFile],
  )
  const { sidecar, defaultOff } = documentedUsers()
  await server.cli(...sidecar)
  await server.cli('ACL', 'SETUSER', ADMIN.username, 'on', `>${PASSWORD}`, '~*', '&*', '+@all')
  await server.cli(...defaultOff)
  const plain = single(server, 0, ADMIN)
  return {
    ...plain,
    redis: {
      url: `rediss://127.0.0.1:${port}`,
      ...USER,
      ca_file: pair.certFile,
      client_certificate_file: pair.certFile,
      client_key_file: pair.keyFile,
    },
    stop: async () => {
      await plain.stop()
      await pair.remove()
    },
  }
}

/** Commands go to the first primary, even after a failover. */
export async function behindSentinels(): Promise<
  RedisDeployment & { readonly group: SentinelGroup }
> {
  const group = await startSentinelGroup()
  const users = documentedUsers()
  for (const server of [group.primary, group.replica]) await server.cli(...users.sidecar)
  for (const { address } of group.sentinels) {
    await redisCli('-u', `redis://${address}`, ...users.onSentinels)
  }
  const [first = '', ...others] = group.sentinels.map((sentinel) => sentinel.address)
  const primary = single(group.primary)
  return {
    ...primary,
    group,
    redis: {
      sentinels: [first, ...others],
      name: group.name,
      ...USER,
      sentinel_username: USER.username,
      sentinel_password: USER.password,
    },
    stop: async () => {
      await primary.stop()
      await group.stop()
    },
  }
}

export async function inCluster(): Promise<RedisDeployment & { readonly cluster: RedisCluster }> {
  const cluster = await startRedisCluster()
  const users = documentedUsers()
  for (const server of cluster.servers) {
    await server.cli(...users.sidecar)
    await server.cli(...users.sidecarInCluster)
  }
  const [first = '', second = ''] = cluster.servers.map(({ port }) => `127.0.0.1:${port}`)
  const operator = new Cluster([{ host: '127.0.0.1', port: cluster.servers[0]?.port }])
  return {
    cluster,
    redis: { cluster: [first, second], ...USER },
    command: (name, ...args) => operator.call(name, ...args),
    flush: async () => void (await Promise.all(operator.nodes('master').map((n) => n.flushall()))),
    stop: async () => {
      operator.disconnect()
      await cluster.stop()
    },
  }
}

/** An operator's own connection: a `redis-cli` per command would take most of a test's time. */
function single(server: RedisServer, db = 0, user = {}): Omit<RedisDeployment, 'redis'> {
  const operator = new Redis(server.port, '127.0.0.1', { db, ...user })
  operator.on('error', () => 'the test says what is missing')
  return {
    command: (name, ...args) => operator.call(name, ...args),
    flush: async () => void (await operator.flushall()),
    stop: async () => {
      operator.disconnect()
      await server.stop()
    },
  }
}
