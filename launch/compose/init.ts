import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { edgeSettings, environmentFile } from '../../sidecar/src/cli/settings.ts'
import { stateInit } from '../../sidecar/src/cli/state.ts'
import { ConfigError, EXIT_CONFIG } from '../../sidecar/src/config/config-error.ts'
import { loadConfig } from '../../sidecar/src/config/load.ts'
import { readProof } from '../../sidecar/src/config/proof.ts'
import type { Config } from '../../sidecar/src/config/schema.ts'
import { type Problem } from '../../sidecar/src/domain/problem.ts'
import { compilePolicies } from '../../sidecar/src/policy/compile.ts'
import { makeSecret } from '../secret.ts'
import { DEMO_REQUEST, OPERATOR_PASSWORD, VOLUMES } from './volumes.ts'

/**
 * The init steps of docker-compose.yml. `prepare` runs first and makes the secrets once, and the
 * settings of lighttpd and HAProxy each time. `state` runs once Redis answers, and marks a new
 * Redis as new.
 */
const HOME = join(import.meta.dirname, '../..')
const GROUP_MAY_READ = 0o640
const HINT = `
To configure Brickgate, copy .env.example to .env and fill it in; \`docker compose up -d --wait\` then starts it.
To try it out without: \`docker compose --profile demo up -d --wait\`.
`

const step = process.argv[2]
try {
  if (step === 'prepare') prepare()
  else if (step === 'state') await initialiseOnce()
  else throw new Error(`no step is called \`${step}\``)
} catch (error) {
  process.stderr.write(`brickgate: ${error instanceof Error ? error.message : String(error)}\n`)
  if (error instanceof ConfigError) process.stderr.write(HINT)
  process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1
}

function prepare(): void {
  makeSecret(proofFile(), randomBytes(32).toString('hex'), GROUP_MAY_READ)
  makeSecret(join(VOLUMES.secrets, 'session-key'), randomBytes(32).toString('base64url'))
  makeSecret(join(VOLUMES.secrets, 'redis-password'), randomBytes(32).toString('hex'))
  makeSecret(OPERATOR_PASSWORD, randomBytes(32).toString('hex'))
  write(join(VOLUMES.redis, 'users.acl'), redisUsers(), GROUP_MAY_READ)
  const file = chosenConfig()
  const config = checkedConfig(file)
  const settings = edgeSettings(config, HOME, join(config.runtime.directory, 'logs'))
  write(join(VOLUMES.settings, 'edge.env'), environmentFile(settings), GROUP_MAY_READ)
  const own = environmentFile({ BRICKGATE_CONFIG: file })
  write(join(VOLUMES.settings, 'sidecar.env'), own, GROUP_MAY_READ)
  process.stdout.write(`brickgate: ${file} is usable\n`)
}

/** The demo's configuration after a request of the demo, else the operator's. */
function chosenConfig(): string {
  if (!existsSync(DEMO_REQUEST)) return join(VOLUMES.operator, 'brickgate.yaml')
  rmSync(DEMO_REQUEST)
  return join(VOLUMES.demo, 'brickgate.yaml')
}

/**
 * @throws {ConfigError} also for files that lighttpd or the egress, and not the sidecar, read
 */
function checkedConfig(file: string): Config {
  const checks = { policy: compilePolicies, proof: readProof }
  const { config } = loadConfig(file, process.env, checks)
  const { tiers, workspace } = config
  const problems: readonly Problem[] = [
    ...problemAt('tiers.internal.tls', certificateProblem(tiers.internal.tls)),
    ...problemAt('tiers.external.tls', certificateProblem(tiers.external.tls)),
    ...problemAt('workspace.ca_file', mountProblem(workspace.ca_file, 'ca', 'the egress')),
  ]
  if (problems.length > 0) throw new ConfigError(file, problems)
  return config
}

function problemAt(path: string, message: string | null): Problem[] {
  return message === null ? [] : [{ path, message }]
}

/** Each container of the edge mounts a single subfolder of the operator's folder. */
function mountProblem(file: string, folder: 'ca' | 'tls', container: string): string | null {
  const path = existsSync(file) ? realpathSync(file) : file
  const { operator } = VOLUMES
  if (!path.startsWith(`${operator}/`) || path.startsWith(`${operator}/${folder}/`)) return null
  return `\`${path}\` is not in \`${operator}/${folder}/\`, all that the container of ${container} sees of the configuration`
}

function certificateProblem(tls: Config['tiers']['internal']['tls']): string | null {
  const isElsewhere =
    mountProblem(tls.certificate, 'tls', 'lighttpd') ?? mountProblem(tls.key, 'tls', 'lighttpd')
  if (isElsewhere !== null) return isElsewhere
  try {
    const certificate = new X509Certificate(readFileSync(tls.certificate))
    const key = createPrivateKey(readFileSync(tls.key))
    return certificate.checkPrivateKey(key) ? null : 'the key is not the certificate’s'
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    return `\`${tls.certificate}\` and \`${tls.key}\` are no certificate and key that group 10000 can read (${why})`
  }
}

/** Users with digests of their passwords, so that the file holds no password. */
function redisUsers(): string {
  const template = readFileSync(join(HOME, 'deploy/compose/users.acl'), 'utf8')
  const digest = (file: string): string =>
    `#${createHash('sha256').update(readFileSync(file, 'utf8').trim()).digest('hex')}`
  return template
    .replace(
      /^(user brickgate .*)>PASSWORD/m,
      `$1${digest(join(VOLUMES.secrets, 'redis-password'))}`,
    )
    .replace(/^(user brickgate-operator .*)>PASSWORD/m, `$1${digest(OPERATOR_PASSWORD)}`)
}

/** Runs on the first start only: a Redis that was emptied since looks new. */
async function initialiseOnce(): Promise<void> {
  const marker = join(VOLUMES.secrets, 'initialised')
  if (existsSync(marker)) return
  const file = process.env['BRICKGATE_CONFIG']
  if (file === undefined) throw new Error('the step `prepare` has not run')
  process.stdout.write(`brickgate: ${await stateInit(checkedConfig(file), false)}`)
  writeFileSync(marker, '')
}

/** Replaces a file whole: a reader meanwhile gets the old file. */
function write(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.next`, text, { mode })
  renameSync(`${file}.next`, file)
}

function proofFile(): string {
  return join(VOLUMES.proof, 'proof')
}
