import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { loadConfig } from '../sidecar/src/config/load.ts'
import type { Config } from '../sidecar/src/config/schema.ts'
import { compilePolicies } from '../sidecar/src/policy/compile.ts'
import { gatewayProcesses, HOME, type LighttpdProgram } from './gateway.ts'
import { processNames, startProcess, stopProcess } from './process.ts'
import { makeSecret } from './secret.ts'

/** The processes of a gateway in the order in which they are stopped. */
const STOP_ORDER: readonly string[] = ['lighttpd', 'sidecar', 'egress']

/** Starts a gateway from a written configuration; Redis and issuers are expected to run. */
export async function startGateway(
  configFile: string,
  directory: string,
  lighttpd: LighttpdProgram,
): Promise<Config> {
  const config = checkedConfig(configFile)
  makeProof(config.runtime.proof_file)
  await initialiseOnce(configFile, directory)
  for (const process of gatewayProcesses(config, { configFile, directory, lighttpd })) {
    await startProcess(process, directory)
  }
  return config
}

/**
 * Stops the gateway of a folder, its entrance first, then all other processes that run on the
 * folder.
 */
export async function stopDeployment(directory: string): Promise<void> {
  const others = processNames(directory).filter((name) => !STOP_ORDER.includes(name))
  for (const name of [...STOP_ORDER, ...others]) await stopProcess(name, directory)
}

/** @throws {ConfigError} when the configuration is not usable; the proof may be missing */
export function checkedConfig(configFile: string): Config {
  // before the first start the proof is not made yet
  const checks = { policy: compilePolicies, proof: () => undefined }
  return loadConfig(configFile, process.env, checks).config
}

/**
 * Runs `brickgate state init` on the first start. A later start must not run the command: a Redis
 * that was emptied since looks new, and has lost revocations.
 */
async function initialiseOnce(configFile: string, directory: string): Promise<void> {
  const marker = join(directory, 'initialised')
  if (existsSync(marker)) return
  const brickgate = [join(HOME, 'sidecar/src/main.ts'), 'state', 'init', '--config', configFile]
  await promisify(execFile)(process.execPath, brickgate)
  mkdirSync(directory, { recursive: true })
  writeFileSync(marker, '')
}

function makeProof(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  makeSecret(file, randomBytes(32).toString('hex'))
}

/** The folder of a deployment's logs, pid files and, in a demo, configuration. */
export function runDirectory(home: string): string {
  return join(home, '.run')
}
