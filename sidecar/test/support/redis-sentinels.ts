import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type RedisServer, redisCli, startRedisServer } from './redis-server.ts'
import { until } from './until.ts'

/** A primary with a replica, and Sentinels that fail over within seconds. */
export interface SentinelGroup {
  readonly name: string
  readonly primary: RedisServer
  readonly replica: RedisServer
  readonly sentinels: readonly Sentinel[]
  /** stops all servers */
  stop(): Promise<void>
}

const NAME = 'brickgate'
const SENTINELS = 3
/** how long a primary is silent before Sentinels choose another */
const DOWN_AFTER_MS = 500

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const primary = await startRedisServer('--repl-diskless-sync-delay', '0')
  const replica = await startRedisServer(
    '--repl-diskless-sync-delay',
    '0',
    '--replicaof',
    `127.0.0.1 ${primary.port}`,
  )
  await until(async () => (await replica.cli('INFO', 'replication')).includes('link_status:up'))
  const ports = await Promise.all(Array.from({ length: SENTINELS }, freePort))
  const sentinels = await Promise.all(ports.map((port) => startSentinel(port, primary.port)))
  for (const sentinel of sentinels) {
    await until(async () => {
      const group = await redisCli('-p', String(sentinel.port), 'SENTINEL', 'MASTER', NAME)
      return /num-slaves\n1\n/.test(group) && /num-other-sentinels\n2\n/.test(group)
    })
  }
  return {
    name: NAME,
    primary,
    replica,
    sentinels,
    stop: async () => {
      await Promise.all(sentinels.map((sentinel) => sentinel.stop()))
      await Promise.all([primary.stop(), replica.stop()])
    },
  }
}

export interface Sentinel {
  readonly address: string
  readonly port: number
  stop(): Promise<void>
}

async function startSentinel(port: number, primaryPort: number): Promise<Sentinel> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-sentinel-'))
  const file = join(directory, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ]
  await writeFile(file, lines.join('\n'))
  const child: ChildProcess = spawn('redis-server', [file, '--sentinel'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return {
    address: `127.0.0.1:${port}`,
    port,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}
