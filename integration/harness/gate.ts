import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { edgeEnvironment, HOME, lighttpdProcess } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { type BackgroundProcess, startProcess, stopProcess } from '../../launch/process.ts'
import type { Listener } from './answer.ts'
import { jsonLines } from './client.ts'
import { egressProcess, type Settings, settled, type TestedHaproxy } from './egress.ts'
import type { TestedLighttpd } from './lighttpd-programs.ts'
import type { StackInfo } from './stack.ts'

/** Fields of a line of the access log that tests read. */
export interface AccessLine {
  readonly request_id: string
  readonly reason: string
}

/**
 * A lighttpd beside a stack, in a folder of its own, whose authorizer and egress a test chooses.
 */
export interface Gate {
  /** of lighttpd */
  readonly pid: number
  /** of an own egress, or NaN */
  readonly egressPid: number
  readonly spool: string
  /** where it gives its metrics */
  readonly adminAddress: string
  listener(tier?: 'internal' | 'external'): Listener
  /** path of a socket, such as `authorizer-internal-0` */
  socket(name: string): string
  /** text of a log so far: `lighttpd-error.log`, `access.log`, `lighttpd.log`, `egress.log` */
  log(name: string): string
  /** the lines of its access log so far; lighttpd writes them some seconds late */
  accessLines(): readonly AccessLine[]
  stop(): Promise<void>
}

export interface GateOptions {
  readonly tested: TestedLighttpd
  /** settings that differ from the stack's; undefined takes one away */
  readonly environment?: Settings
  /**
   * the stack's by default; `own` starts a HAProxy with these settings, `none` leaves it to the
   * test
   */
  readonly egress?: 'own' | 'none'
  /** of an own egress; this machine's by default */
  readonly haproxy?: TestedHaproxy
  /** changes the copy of `lighttpd/` that is started */
  readonly mutate?: (folder: string) => void
}

interface GateFolder {
  readonly directory: string
  readonly ports: { readonly internal: number; readonly external: number }
  readonly environment: Readonly<Record<string, string>>
}

/** @throws {Error} with the end of its log when lighttpd or HAProxy does not start */
export async function startGate(info: StackInfo, options: GateOptions): Promise<Gate> {
  const folder = await prepareFolder(info, options)
  const { directory, ports } = folder
  const stop = async (): Promise<void> => {
    for (const name of ['lighttpd', 'egress']) await stopProcess(name, directory)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    cpSync(join(HOME, 'lighttpd'), join(directory, 'lighttpd'), { recursive: true })
    options.mutate?.(join(directory, 'lighttpd'))
    const egressPid = await provideEgress(info, options, folder)
    const pid = await startProcess(ownLighttpd(options, folder), directory)
    const ca = readFileSync(info.demo.pki.ca, 'utf8')
    const log = (name: string): string => readFileSync(join(directory, 'logs', name), 'utf8')
    return {
      pid,
      egressPid,
      spool: join(directory, 'spool'),
      adminAddress: folder.environment['BRICKGATE_LIGHTTPD_ADMIN_LISTEN'] ?? '',
      listener: (tier = 'internal') => ({ port: ports[tier], ca }),
      socket: (name) => join(directory, `${name}.sock`),
      log,
      accessLines: () => jsonLines(log('access.log')) as readonly AccessLine[],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function prepareFolder(info: StackInfo, options: GateOptions): Promise<GateFolder> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-gate-'))
  mkdirSync(join(directory, 'spool'))
  const ports = await Promise.all(Array.from({ length: 5 }, freePort))
  const [internal = 0, external = 0, redirect, lighttpdAdmin, egressAdmin] = ports
  const environment = {
    ...edgeEnvironment(info.config, directory),
    BRICKGATE_LIGHTTPD_DIR: join(directory, 'lighttpd'),
    BRICKGATE_RUN_DIR: directory,
    BRICKGATE_SPOOL_DIR: join(directory, 'spool'),
    BRICKGATE_INTERNAL_LISTEN: `127.0.0.1:${internal}`,
    BRICKGATE_EXTERNAL_LISTEN: `127.0.0.1:${external}`,
    BRICKGATE_REDIRECT_LISTEN: `127.0.0.1:${redirect}`,
    BRICKGATE_LIGHTTPD_ADMIN_LISTEN: `127.0.0.1:${lighttpdAdmin}`,
    BRICKGATE_EGRESS_ADMIN_LISTEN: `127.0.0.1:${egressAdmin}`,
    ...options.environment,
  }
  return { directory, ports: { internal, external }, environment: settled(environment) }
}

async function provideEgress(
  { config }: StackInfo,
  { egress, haproxy }: GateOptions,
  { directory, environment }: GateFolder,
): Promise<number> {
  if (egress === 'own') return startProcess(egressProcess(environment, haproxy), directory)
  if (egress === 'none') return Number.NaN
  symlinkSync(join(config.runtime.directory, 'egress.sock'), join(directory, 'egress.sock'))
  return Number.NaN
}

function ownLighttpd(
  { tested }: GateOptions,
  { directory, environment }: GateFolder,
): BackgroundProcess {
  const usual = lighttpdProcess('lighttpd', tested.program, environment)
  const configuration = join(directory, 'lighttpd/lighttpd.conf')
  return { ...usual, args: [...tested.program.args, '-D', '-f', configuration] }
}
