import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../sidecar/src/config/schema.ts'
import { parseAddress } from '../sidecar/src/domain/address.ts'
import { checkedConfig, stopDeployment } from './deployment.ts'
import {
  handOver,
  makeFolders,
  missingRights,
  ownerOf,
  runAgainAs,
  type User,
  userOfGateway,
} from './user.ts'

/** A gateway to start: the repository, the folder of its runtime files, and its configuration. */
interface Start {
  readonly home: string
  readonly directory: string
  readonly configFile: string
}

/** Ports below this number are root's. */
const FIRST_FREE_PORT = 1024

/**
 * Runs this program again as another user, if this process is root's: a configured gateway as the
 * gateway's user, a demo as the owner of its folder.
 *
 * @returns the exit code of that run; null when this process has to do the work itself, since the
 *   process or the demo's folder is not another user's
 * @throws {Error} when the user does not exist, or could not run the gateway
 */
export async function startedByAnother(start: Start): Promise<number | null> {
  if (process.getuid?.() !== 0) return null
  if (!existsSync(start.configFile)) return stoppedByAnother(start.directory)
  const config = checkedConfig(start.configFile)
  const user = userOfGateway(process.env)
  const owner = ownerOf(start.directory)
  if (owner !== null && owner.uid !== user.uid) {
    const whose = `\`${start.directory}\` belongs to \`${owner.name}\`, not to \`${user.name}\``
    throw new Error(
      `brickgate: ${whose}: \`make down\` and remove it, or name the owner in BRICKGATE_USER`,
    )
  }
  const problems = problemsOf(user, config, start)
  if (problems.length > 0) throw new Error(`brickgate: ${problems.join('\nbrickgate: ')}`)
  if (owner === null && existsSync(start.directory)) {
    await stopDeployment(start.directory) // root's, of before
    handOver(start.directory, user)
  }
  makeFolders([start.directory, ...foldersOf(config)], user)
  process.stdout.write(`brickgate: running as \`${user.name}\`\n`)
  return runAgainAs(user, listensBelow(FIRST_FREE_PORT, config))
}

/**
 * Runs this program again as the owner of the folder, unless the owner is root.
 *
 * @returns as `startedByAnother` does
 */
export function stoppedByAnother(directory: string): number | null {
  const owner = process.getuid?.() === 0 ? ownerOf(directory) : null
  return owner === null ? null : runAgainAs(owner, false)
}

/**
 * All reasons why the user could not run the gateway, as far as root can find them before a process
 * is stopped.
 */
function problemsOf(user: User, { tiers, runtime, workspace }: Config, start: Start): string[] {
  const certificates = [tiers.internal.tls, tiers.external.tls]
  const files = [
    ...[process.execPath, join(start.home, 'bin/brickgate'), start.configFile, workspace.ca_file],
    ...certificates.flatMap(({ certificate, key }) => [certificate, key]),
  ]
  const isMade = (path: string): boolean =>
    !path.startsWith(`${start.directory}/`) && existsSync(path)
  return [
    ...missingRights('-r', [...new Set(files), ...[runtime.proof_file].filter(isMade)], user),
    ...missingRights('-O', [runtime.directory].filter(isMade), user),
  ]
}

function foldersOf({ runtime, audit }: Config): readonly string[] {
  const files = [runtime.proof_file, ...(audit.file === '-' ? [] : [audit.file])]
  return [runtime.directory, ...files.map((file) => dirname(file))]
}

function listensBelow(port: number, { tiers, redirect, admin }: Config): boolean {
  const listeners = [tiers.internal.listen, tiers.external.listen, redirect.listen]
  const admins = [admin.listen, admin.egress_listen, admin.lighttpd_listen]
  return [...listeners, ...admins].some((address) => parseAddress(address).port < port)
}
