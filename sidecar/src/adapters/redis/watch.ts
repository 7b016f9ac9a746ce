import type { Cluster, Redis } from 'ioredis'
import { probeKey } from '../../domain/redis-keys.ts'
import { isCluster, isReplyError, type RedisClient } from './client.ts'
import { primariesOf, serversOf } from './health.ts'
import { slotOf } from './topology.ts'

/** The findings of a probe of Redis, in a Cluster of every primary. */
export interface RedisLook {
  /** Redis answers, even with an error */
  readonly isUp: boolean
  /** Redis accepts writes: it is not full, no replica, and its disk works */
  readonly isWritable: boolean
  /** when the probe was sent, and when its result was known, in epoch seconds */
  readonly askedSeconds: number
  readonly knownSeconds: number
}

const LOOK_EVERY_MS = 1000
const PROBE_TTL_MS = 5000
/** a primary may have so few slots that none of these tags hits one: then it gets only a PING */
const MAX_TAGS = 2000

/**
 * Probes Redis every second by writing a key: a process without requests would not notice that
 * Redis went or came back, and a read-only Redis still answers PING.
 *
 * @param tell receives each result in order
 * @returns a function that stops the probes
 */
export function watchRedis(
  redis: RedisClient,
  nowSeconds: () => number,
  onLook: (look: RedisLook) => void,
): () => void {
  const keyFor = createProbeKeys()
  let isLooking = false
  const timer = setInterval(() => void lookOnce(), LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)

  /** A probe that takes longer than a second is not joined by another, which could finish first. */
  async function lookOnce(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const askedSeconds = nowSeconds()
    const found = await look(redis, keyFor)
    isLooking = false
    onLook({ ...found, askedSeconds, knownSeconds: nowSeconds() })
  }
}

type Probed = Pick<RedisLook, 'isUp' | 'isWritable'>

async function look(redis: RedisClient, keyFor: ProbeKeys): Promise<Probed> {
  const [primaries, servers] = await Promise.all([
    primariesOf(redis),
    Promise.all(serversOf(redis).map((server) => probe(redis, server, keyFor))),
  ])
  const isComplete = servers.length >= primaries
  return {
    isUp: isComplete && servers.every(({ isUp }) => isUp),
    isWritable: isComplete && servers.every(({ isWritable }) => isWritable),
  }
}

async function probe(redis: RedisClient, server: Redis, keyFor: ProbeKeys): Promise<Probed> {
  const key = isCluster(redis) ? keyFor(redis, server) : probeKey(null)
  try {
    if (key === null) await server.ping()
    else await redis.set(key, '1', 'PX', PROBE_TTL_MS)
    return { isUp: true, isWritable: true }
  } catch (error) {
    return { isUp: isReplyError(error), isWritable: false }
  }
}

/** @returns a key on a server of a Cluster; null where none was found */
type ProbeKeys = (cluster: Cluster, server: Redis) => string | null

function createProbeKeys(): ProbeKeys {
  const tags = new Map<string, number>()
  return (cluster, { options }) => {
    const address = `${options.host}:${options.port}`
    const isThere = (tag: number): boolean => cluster.slots[slotOf(String(tag))]?.[0] === address
    const known = tags.get(address)
    if (known !== undefined && isThere(known)) return probeKey(known)
    for (let tag = 0; tag < MAX_TAGS; tag += 1) {
      if (!isThere(tag)) continue
      tags.set(address, tag)
      return probeKey(tag)
    }
    return null
  }
}
