import type { Redis } from 'ioredis'
import { isCluster, isReplyError, type RedisClient } from './client.ts'

export interface RedisHealth {
  readonly isUp: boolean
  /**
   * `maxmemory-policy`; of a Cluster a policy that evicts, if any does; null when it could not be
   * read
   */
  readonly evictionPolicy: string | null
  /** whether Redis answers and never drops a revocation */
  readonly isReady: boolean
}

/**
 * Probes Redis, in a Cluster every primary. With an eviction policy other than `noeviction`, or an
 * unreadable policy, Redis is not ready: a full Redis would lift revocations. INFO has the policy
 * even where an ACL forbids CONFIG.
 */
export async function probeRedis(redis: RedisClient): Promise<RedisHealth> {
  const [primaries, servers] = await Promise.all([primariesOf(redis), probeServers(redis)])
  const isUp = servers.length >= primaries && servers.every((server) => server.isUp)
  const bad = servers.find(({ evictionPolicy }) => evictionPolicy !== NO_EVICTION)
  const evictionPolicy = bad === undefined && isUp ? NO_EVICTION : (bad?.evictionPolicy ?? null)
  return { isUp, evictionPolicy, isReady: isUp && evictionPolicy === NO_EVICTION }
}

const NO_EVICTION = 'noeviction'

/**
 * Reads how full Redis is: its memory as a share of `maxmemory`, counted as Redis does before it
 * rejects a write. In a Cluster the fullest primary's share.
 *
 * @returns null where no server has a limit; undefined when a server does not answer
 */
export async function readMemoryRatio(redis: RedisClient): Promise<number | null | undefined> {
  try {
    const infos = await Promise.all(serversOf(redis).map((server) => server.info('memory')))
    const ratios = infos.map(ratioOf).filter((ratio) => ratio !== null)
    return ratios.length === 0 ? null : Math.max(...ratios)
  } catch {
    return undefined // read again in a second; the watch reports failures
  }
}

function ratioOf(memory: string): number | null {
  const bound = numberIn(memory, 'maxmemory')
  if (!(bound > 0)) return null
  // Redis does not count memory for replicas and the append-only file
  return (numberIn(memory, 'used_memory') - numberIn(memory, 'mem_not_counted_for_evict')) / bound
}

function numberIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:([0-9]+)`, 'm').exec(info)?.[1] ?? 0)
}

function probeServers(redis: RedisClient): Promise<readonly Omit<RedisHealth, 'isReady'>[]> {
  return Promise.all(
    serversOf(redis).map(async (server) => {
      try {
        const memory = await server.info('memory')
        const evictionPolicy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null
        return { isUp: true, evictionPolicy }
      } catch (error) {
        return { isUp: isReplyError(error), evictionPolicy: null }
      }
    }),
  )
}

/** @returns the connected servers; a lost primary of a Cluster is not among them */
export function serversOf(redis: RedisClient): readonly Redis[] {
  return isCluster(redis) ? redis.nodes('master') : [redis]
}

/**
 * @returns the required number of primaries; Infinity while some keys have none, or none is known
 */
export async function primariesOf(redis: RedisClient): Promise<number> {
  if (!isCluster(redis)) return 1
  try {
    const info = await redis.cluster('INFO')
    const isServed = info.includes('cluster_slots_ok:16384') && info.includes('cluster_state:ok')
    return isServed ? Number(/^cluster_size:(\d+)/m.exec(info)?.[1]) : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
