import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { edgeSettings } from '../sidecar/src/cli/settings.ts'
import type { Config } from '../sidecar/src/config/schema.ts'
import { accepts } from './probe.ts'
import type { BackgroundProcess } from './process.ts'

/** The folder of the repository. */
export const HOME: string = dirname(import.meta.dirname)

/** A program of lighttpd with the arguments before `-D -f <file>`. */
export interface LighttpdProgram {
  readonly command: string
  readonly args: readonly string[]
}

export const SYSTEM_LIGHTTPD: LighttpdProgram = { command: '/usr/sbin/lighttpd', args: [] }

/** Configuration, folder and lighttpd of a gateway that is started. */
export interface StartOptions {
  /** path of the checked `brickgate.yaml` */
  readonly configFile: string
  /** folder for logs and pid files */
  readonly directory: string
  readonly lighttpd: LighttpdProgram
}

/** The processes of a gateway in the order of their start: each needs the processes before. */
export function gatewayProcesses(
  config: Config,
  { configFile, directory, lighttpd }: StartOptions,
): readonly [egress: BackgroundProcess, sidecar: BackgroundProcess, lighttpd: BackgroundProcess] {
  const sockets = config.runtime.directory
  mkdirSync(join(sockets, 'spool'), { recursive: true })
  chmodSync(sockets, 0o750)
  const environment = edgeEnvironment(config, directory)
  return [
    {
      name: 'egress',
      command: 'haproxy',
      args: ['-db', '-f', join(HOME, 'egress/haproxy.cfg')],
      environment,
      isReady: () => accepts(join(sockets, 'egress.sock')),
    },
    {
      name: 'sidecar',
      command: join(HOME, 'bin/brickgate'),
      args: ['serve', '--config', configFile],
      environment: {},
      isReady: async () => (await status(`http://${config.admin.listen}/readyz`)) === 200,
    },
    lighttpdProcess('lighttpd', lighttpd, environment),
  ]
}

/** @param environment as `edgeEnvironment` makes it */
export function lighttpdProcess(
  name: string,
  { command, args }: LighttpdProgram,
  environment: Readonly<Record<string, string>>,
): BackgroundProcess {
  return {
    name,
    command,
    args: [...args, '-D', '-f', join(HOME, 'lighttpd/lighttpd.conf')],
    environment,
    isReady: () => accepts(environment['BRICKGATE_INTERNAL_LISTEN'] ?? ''),
  }
}

/**
 * The environment of a gateway's lighttpd and egress; in tests also of a second lighttpd.
 *
 * @param directory folder that holds `logs/`
 */
export function edgeEnvironment(config: Config, directory: string): Record<string, string> {
  return edgeSettings(config, HOME, join(directory, 'logs'))
}

async function status(url: string): Promise<number | null> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).status
  } catch {
    return null // not listening yet
  }
}
