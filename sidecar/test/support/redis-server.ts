import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A real Redis of a single test, on a free port of loopback and on a unix socket. */
export interface RedisServer {
  readonly url: string
  readonly socketUrl: string
  readonly port: number
  /** runs `redis-cli` with these arguments; rejects when Redis answers with an error */
  cli(...args: string[]): Promise<string>
  /** SIGSTOP: connections stay open and nothing answers */
  pause(): void
  resume(): void
  /** ends it like a crash; without `--appendonly yes` nothing is kept */
  kill(): Promise<void>
  /** starts it again at the same addresses */
  start(): Promise<void>
  /** stops it for good and removes its folder */
  stop(): Promise<void>
}

/** @param args further arguments of redis-server, such as `--maxmemory-policy`, `allkeys-lru` */
export async function startRedisServer(...args: string[]): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-redis-'))
  const port = await freePort()
  const socket = join(directory, 'redis.sock')
  let running = await launch()

  async function launch(): Promise<ChildProcess> {
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket]
    const child = spawn('redis-server', [...own, '--dir', directory, '--save', '', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => reject(new Error('redis-server ended before it was ready')))
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes('Ready to accept connections')) resolve()
      })
    })
    return child
  }

  async function kill(): Promise<void> {
    if (running.exitCode !== null || running.signalCode !== null) return
    running.kill('SIGKILL')
    await once(running, 'exit')
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    socketUrl: `unix://${socket}`,
    port,
    cli: (...words) => redisCli('-s', socket, ...words),
    pause: () => void running.kill('SIGSTOP'),
    resume: () => void running.kill('SIGCONT'),
    kill,
    start: async () => {
      running = await launch()
    },
    stop: async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * @returns the output of `redis-cli`
 * @throws when Redis answered with an error
 */
export async function redisCli(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-e', ...args])
  return stdout.trimEnd()
}

/** A free port of loopback; the first to bind it takes it. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
