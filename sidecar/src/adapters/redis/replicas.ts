import type { Cluster, Redis } from 'ioredis'
import { isCluster, type RedisClient } from './client.ts'
import { slotOf } from './topology.ts'

/** How long a write waits for its replicas in all. */
export const REPLICAS_WITHIN_MS = 1000
/** How long each WAIT takes: it delays every later command, and each may take 250 ms. */
const WAIT_MS = 100

/**
 * Waits until the connected replicas have this client's write to a key; until then a failover could
 * lose the write. Unconnected replicas are not waited for.
 *
 * @returns false when the time ran out first
 */
export async function replicasHave(redis: RedisClient, key: string): Promise<boolean> {
  const primary = isCluster(redis) ? ownerOf(redis, key) : redis
  const replicas = connectedReplicas(await primary.info('replication'))
  if (replicas === 0) return true
  const deadlineMs = performance.now() + REPLICAS_WITHIN_MS - WAIT_MS
  while ((await primary.wait(replicas, WAIT_MS)) < replicas) {
    if (performance.now() > deadlineMs) return false
  }
  return true
}

/**
 * The connection on which the Cluster's client writes the key. WAIT concerns a connection's own
 * writes.
 */
function ownerOf(cluster: Cluster, key: string): Redis {
  const [address] = cluster.slots[slotOf(key)] ?? []
  const owner = cluster
    .nodes('master')
    .find(({ options }) => `${options.host}:${options.port}` === address)
  if (owner === undefined) throw new Error('no server for the key')
  return owner
}

function connectedReplicas(replication: string): number {
  return Number(/^connected_slaves:([0-9]+)/m.exec(replication)?.[1] ?? 0)
}
