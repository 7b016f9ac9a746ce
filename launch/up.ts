import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DEMO_PORTS, prepareDemo } from '../demo/demo.ts'
import { mintDemoTokens, writeDemoEnv } from '../demo/env.ts'
import { ConfigError, EXIT_CONFIG } from '../sidecar/src/config/config-error.ts'
import { runDirectory, startDemo, startGateway, stopDeployment } from './deployment.ts'
import { HOME, SYSTEM_LIGHTTPD } from './gateway.ts'
import { startedByAnother } from './root.ts'

process.umask(0o027) // logs and sockets are nobody else's to read
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

async function demoUp(): Promise<void> {
  const demo = await prepareDemo(directory, DEMO_PORTS)
  await startDemo(demo, SYSTEM_LIGHTTPD)
  writeDemoEnv(demo, await mintDemoTokens(demo))
  process.stdout.write(`Brickgate is up, as a demo on loopback (there is no brickgate.yaml). Try:

  . .run/demo.env
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_ALICE" \\
    "$BRICKGATE_URL/api/2.1/clusters/list"                      # 200: alice may list clusters
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_BOB" -d '{}' \\
    "$BRICKGATE_URL/api/2.1/clusters/start"                     # 403: bob may not start one
  redis-cli -u "$REDIS_URL" SET 'bg:revoked:subject:demo|alice' "$(date +%s)" EX 108065
                                                                # and alice is out at once
  https://localhost:${DEMO_PORTS.internal}/_brickgate/ in a browser     # sign in as alice, bob or admin
  curl "$BRICKGATE_ADMIN_URL/metrics"; tail -f .run/logs/audit.log
`)
}
