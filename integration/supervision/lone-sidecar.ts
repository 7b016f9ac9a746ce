import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type ConfigPatch, DEMO_PORTS, type Demo, prepareDemo } from '../../demo/demo.ts'
import { freePort } from '../../launch/probe.ts'
import { BRICKGATE } from './further-sidecar.ts'

/**
 * A sidecar alone: its Redis and its provider accept connections and answer nothing.
 */
export interface LoneSidecar {
  readonly pid: number
  readonly admin: string
  /** the messages of its log so far */
  messages(): readonly string[]
  /** whether the log has that message, of any process of the sidecar */
  hasLogged(message: string): boolean
  /** pids of the processes that the primary forked and that still exist */
  workers(): readonly number[]
  signal(name: NodeJS.Signals): void
  /** rewrites sections of its `brickgate.yaml` */
  edit(patch: ConfigPatch): void
  /** files in the socket folder, without that of compiled code */
  sockets(): readonly string[]
  /** exit code or signal, once the primary has ended */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** kills what is left, and removes its folder */
  remove(): Promise<void>
}

export async function startLone(patch: ConfigPatch = {}): Promise<LoneSidecar> {
  const silent = await silentServer()
  const demo = await prepare(portOf(silent.server), patch)
  const child = spawn(BRICKGATE, ['serve', '--config', demo.configFile], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  const messages = (): readonly string[] =>
    text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).msg] : []))
  return {
    pid: child.pid ?? 0,
    admin: `http://127.0.0.1:${demo.ports.admin}`,
    messages,
    hasLogged: (message) => messages().includes(message),
    workers: () => childrenOf(child),
    signal: (name) => void child.kill(name),
    edit(changes) {
      const document = parse(readFileSync(demo.configFile, 'utf8'))
      writeFileSync(demo.configFile, stringify({ ...document, ...changes }))
    },
    sockets: () => readdirSync(join(demo.directory, 'sockets')).filter((name) => name !== 'code'),
    ended: once(child, 'exit').then(([code, signal]) => code ?? signal),
    async remove() {
      killGroup(child)
      await silent.close()
      rmSync(demo.directory, { recursive: true, force: true })
    },
  }
}

async function prepare(silentPort: number, patch: ConfigPatch): Promise<Demo> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-lone-'))
  const ports = { ...DEMO_PORTS, admin: await freePort(), redis: silentPort, idp: silentPort }
  return prepareDemo(directory, ports, patch)
}

interface SilentServer {
  readonly server: Server
  close(): Promise<void>
}

async function silentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    server,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function childrenOf({ pid }: ChildProcess): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return children === '' ? [] : children.split(' ').map(Number)
  } catch {
    return [] // the primary has ended
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing is left of it
  }
}
