import { freePort, type RedisServer, startRedisServer } from './redis-server.ts'
import { until } from './until.ts'

/** A real Cluster on loopback: every primary has a third of the slots, and there is no replica. */
export interface RedisCluster {
  readonly servers: readonly RedisServer[]
  /** adds a primary without slots */
  add(): Promise<RedisServer>
  /** the server that owns the slot by its own account */
  ownerOf(slot: number): Promise<RedisServer>
  /**
   * Moves a slot with its keys, slowly enough to be watched.
   *
   * @param pauseMs between two keys
   */
  move(slot: number, target: RedisServer, pauseMs: number): Promise<void>
  stop(): Promise<void>
}

const SLOTS = 16_384
const PRIMARIES = 3

export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(Array.from({ length: PRIMARIES }, startMember))
  const [first] = servers
  if (first === undefined) throw new Error('no member')
  for (const [index, server] of servers.entries()) {
    const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / PRIMARIES))
    await server.cli('CLUSTER', 'ADDSLOTSRANGE', String(from), String(Number(to) - 1))
    await server.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const server of servers.slice(1)) await meet(first, server)
  await allAgree(servers, PRIMARIES)

  return {
    servers,
    add: async () => {
      const server = await startMember()
      await meet(first, server)
      servers.push(server)
      await allAgree(servers, servers.length)
      return server
    },
    ownerOf,
    move,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }

  async function ownerOf(slot: number): Promise<RedisServer> {
    for (const server of servers) {
      const slots = await server.cli('CLUSTER', 'NODES')
      const own = slots.split('\n').find((line) => line.includes('myself')) ?? ''
      if (
        own
          .split(' ')
          .slice(8)
          .some((range) => holds(range, slot))
      )
        return server
    }
    throw new Error(`slot ${slot} has no server`)
  }

  async function move(slot: number, target: RedisServer, pauseMs: number): Promise<void> {
    const source = await ownerOf(slot)
    const [sourceId, targetId] = await Promise.all([idOf(source), idOf(target)])
    await target.cli('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', sourceId)
    await source.cli('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', targetId)
    const keys = await source.cli('CLUSTER', 'GETKEYSINSLOT', String(slot), '10000')
    for (const key of keys.split('\n').filter((line) => line !== '')) {
      await source.cli('MIGRATE', '127.0.0.1', String(target.port), key, '0', '1000')
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    for (const server of [target, source, ...servers]) {
      const answer = server.cli('CLUSTER', 'SETSLOT', String(slot), 'NODE', targetId)
      // a primary without its last slot becomes a replica
      await answer.catch((error: Error) => {
        if (!error.message.includes('only with masters')) throw error
      })
    }
  }
}

async function startMember(): Promise<RedisServer> {
  const busPort = String(await freePort()) // the default, 10,000 above the port, may be no port
  return startRedisServer(
    ...['--cluster-enabled', 'yes', '--cluster-port', busPort],
    ...['--cluster-node-timeout', '1000', '--appendonly', 'yes'],
  )
}

async function meet(first: RedisServer, other: RedisServer): Promise<void> {
  const info = await other.cli('CONFIG', 'GET', 'cluster-port')
  const busPort = info.split('\n').at(-1) ?? ''
  await first.cli('CLUSTER', 'MEET', '127.0.0.1', String(other.port), busPort)
}

async function allAgree(servers: readonly RedisServer[], count: number): Promise<void> {
  for (const server of servers) {
    await until(async () => {
      const info = await server.cli('CLUSTER', 'INFO')
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)
    })
  }
}

async function idOf(server: RedisServer): Promise<string> {
  return server.cli('CLUSTER', 'MYID')
}

function holds(range: string, slot: number): boolean {
  const [from, to = from] = range.split('-').map(Number)
  return from !== undefined && to !== undefined && from <= slot && slot <= to
}
