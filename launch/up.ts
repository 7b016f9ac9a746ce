import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, EXIT_CONFIG } from '../sidecar/src/config/config-error.ts'
import { runDirectory, startGateway, stopDeployment } from './deployment.ts'
import { HOME, SYSTEM_LIGHTTPD } from './gateway.ts'
import { startedByAnother } from './root.ts'

process.umask(0o027) // no other user may read logs and sockets
const directory = runDirectory(HOME)
const configFile = join(HOME, 'brickgate.yaml')

try {
  const exitCode = await startedByAnother({ home: HOME, directory, configFile })
  if (exitCode === null) await up()
  else process.exitCode = exitCode
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1
}

async function up(): Promise<void> {
  await stopDeployment(directory)
  try {
    await (existsSync(configFile) ? gatewayUp() : demoUp())
  } catch (error) {
    await stopDeployment(directory)
    throw error
  }
}

async function gatewayUp(): Promise<void> {
  const { tiers, admin } = await startGateway(configFile, directory, SYSTEM_LIGHTTPD)
  process.stdout.write(
    `Brickgate is up: ${tiers.internal.public_url} (internal), ${tiers.external.public_url} (external)\n` +
      `state of its parts: curl http://${admin.listen}/readyz\n`,
  )
}

/** Loads `demo/` only without a `brickgate.yaml`: a real gateway needs no file of the demo. */
async function demoUp(): Promise<void> {
  // oxlint-disable-next-line no-restricted-imports -- the only choice of the demo in launch/
  const { startPrintedDemo } = await import('../demo/up.ts')
  await startPrintedDemo(directory)
}
