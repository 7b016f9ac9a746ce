import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { brickgate, type Demo, worldPieces } from '../demo/demo.ts'
import { loadConfig } from '../sidecar/src/config/load.ts'
import type { Config } from '../sidecar/src/config/schema.ts'
import { compilePolicies } from '../sidecar/src/policy/compile.ts'
import { gatewayPieces, type LighttpdProgram, type Place } from './gateway.ts'
import { startPiece, stopPiece } from './process.ts'
import { makeSecret } from './secret.ts'

/** Every piece that a deployment may have, in the order in which they are stopped. */
const STOP_ORDER = ['lighttpd', 'sidecar', 'egress', 'workspace', 'idp', 'redis'] as const

/** Starts a gateway from a configuration that the operator wrote. Its Redis and issuers are theirs. */
export async function startGateway(
  configFile: string,
  directory: string,
  lighttpd: LighttpdProgram,
): Promise<Config> {
  const config = checkedConfig(configFile)
  makeProof(config.runtime.proof_file)
  await initialiseOnce(configFile, directory)
  await startPieces(config, { configFile, directory, lighttpd })
  return config
}

/** Starts a demo whole: the world around the gateway, then the gateway. */
export async function startDemo(demo: Demo, lighttpd: LighttpdProgram): Promise<Config> {
  const { configFile, directory } = demo
  for (const piece of worldPieces(demo)) await startPiece(piece, directory)
  const config = checkedConfig(configFile)
  await initialiseOnce(configFile, directory)
  await startPieces(config, { configFile, directory, lighttpd })
  return config
}

/** Stops whatever of a deployment runs, the entrance first. */
export async function stopDeployment(directory: string): Promise<void> {
  for (const name of STOP_ORDER) await stopPiece(name, directory)
}

async function startPieces(config: Config, place: Place): Promise<void> {
  for (const piece of gatewayPieces(config, place)) await startPiece(piece, place.directory)
}

/** @throws {ConfigError} when the configuration is not usable; the proof may be missing */
export function checkedConfig(configFile: string): Config {
  // the proof may still have to be made
  const checks = { policy: compilePolicies, proof: () => undefined }
  return loadConfig(configFile, process.env, checks).config
}

/**
 * Says of a new Redis that nothing is lost. Only the first start may: a Redis that was emptied since
 * looks the same, and has lost revocations.
 */
async function initialiseOnce(configFile: string, directory: string): Promise<void> {
  const marker = join(directory, 'initialised')
  if (existsSync(marker)) return
  await brickgate(configFile, 'state', 'init')
  mkdirSync(directory, { recursive: true })
  writeFileSync(marker, '')
}

function makeProof(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  makeSecret(file, randomBytes(32).toString('hex'))
}

/** Where a deployment of this repository keeps what it runs on. */
export function runDirectory(home: string): string {
  return join(home, '.run')
}
