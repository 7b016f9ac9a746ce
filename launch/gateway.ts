import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { edgeSettings } from '../sidecar/src/cli/settings.ts'
import type { Config } from '../sidecar/src/config/schema.ts'
import { accepts } from './probe.ts'
import type { Piece } from './process.ts'

/** The folder of the repository. */
export const HOME: string = dirname(import.meta.dirname)

/** How a lighttpd is started: its program with what comes before `-D -f <file>`. */
export interface LighttpdProgram {
  readonly command: string
  readonly args: readonly string[]
}

export const SYSTEM_LIGHTTPD: LighttpdProgram = { command: '/usr/sbin/lighttpd', args: [] }

/** Where a gateway is started, and with what. */
export interface Place {
  /** path of the checked `brickgate.yaml` */
  readonly configFile: string
  /** where logs and pid files go */
  readonly directory: string
  readonly lighttpd: LighttpdProgram
}

/** The processes of one gateway, in the order in which they start: each needs those before it. */
export function gatewayPieces(
  config: Config,
  place: Place,
): readonly [egress: Piece, sidecar: Piece, lighttpd: Piece] {
  const sockets = config.runtime.directory
  mkdirSync(join(sockets, 'spool'), { recursive: true })
  chmodSync(sockets, 0o750)
  const environment = edgeEnvironment(config, place.directory)
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
      args: ['serve', '--config', place.configFile],
      environment: {},
      isReady: async () => (await status(`http://${config.admin.listen}/readyz`)) === 200,
    },
    lighttpdPiece('lighttpd', place.lighttpd, environment),
  ]
}

/** @param environment as `edgeEnvironment` makes it */
export function lighttpdPiece(
  name: string,
  { command, args }: LighttpdProgram,
  environment: Readonly<Record<string, string>>,
): Piece {
  return {
    name,
    command,
    args: [...args, '-D', '-f', join(HOME, 'lighttpd/lighttpd.conf')],
    environment,
    isReady: () => accepts(environment['BRICKGATE_INTERNAL_LISTEN'] ?? ''),
  }
}

/**
 * The environment of a gateway's lighttpd and egress; for tests, of a further lighttpd too.
 *
 * @param directory where the folder of logs is
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
