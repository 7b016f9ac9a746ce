import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEMO_REQUEST, OPERATOR_PASSWORD, PLACES } from '../../launch/compose/volumes.ts'
import { type Demo, IDP_HOST, worldPieces } from '../demo.ts'
import { mintDemoTokens, writeDemoEnv } from '../env.ts'
import { demoInVolume, demoPorts, prepareDemoVolume } from './demo-volume.ts'
import { openDoors } from './forward.ts'

/**
 * The services of docker-compose.yml's profile `demo`: `prepare` makes its configuration and asks the init
 * step to use it, `idp` and `workspace` stand in for the world, `doors` opens it to the host and writes
 * `demo.env`.
 */
const SERVICES: Readonly<Record<string, (demo: Demo) => Promise<unknown> | void>> = {
  prepare,
  idp,
  workspace: (demo) => become(demo, 'workspace'),
  doors,
}

const role = process.argv[2] ?? ''
const run = Object.hasOwn(SERVICES, role) ? SERVICES[role] : undefined
const refusal = run === undefined ? `no service is called \`${role}\`` : refusalOf(process.env)
if (run !== undefined && refusal === null) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
  await run(demoInVolume(demoPorts(process.env)))
} else {
  process.stderr.write(`brickgate: ${refusal}\n`)
  process.exitCode = 78
}

/** Anybody may be anybody in the demo: it is for loopback, and not beside a real workspace. */
function refusalOf(environment: NodeJS.ProcessEnv): string | null {
  const address = environment['BRICKGATE_BIND'] || '127.0.0.1'
  if (!/^127\.|^\[?::1\]?$/.test(address)) {
    return `the demo is for loopback only, and BRICKGATE_BIND is ${address}`
  }
  const isConfigured = Boolean(environment['DATABRICKS_HOST'])
  return isConfigured ? 'the demo is not for a configured gateway: DATABRICKS_HOST is set' : null
}

/** The only service that writes configuration: the init step reads it right after. */
async function prepare({ ports }: Demo): Promise<void> {
  await prepareDemoVolume(ports)
  writeFileSync(DEMO_REQUEST, '')
}

/** Browsers find the gateway at the host's localhost, and so does the provider, for its logout tokens. */
async function idp(demo: Demo): Promise<void> {
  const gateway = { port: demo.ports.internal, host: 'lighttpd', hostPort: 8443 }
  await openDoors([gateway], '127.0.0.1')
  await become(demo, 'idp', ['--issuer-host', IDP_HOST])
}

/** Goes on as the service that the native demo starts as a process of its own. */
async function become(demo: Demo, name: string, further: readonly string[] = []): Promise<void> {
  const piece = worldPieces(demo).find((one) => one.name === name)
  if (piece === undefined) throw new Error(`the demo has no ${name}`)
  const [main = '', ...args] = piece.args
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT')
  process.argv = [process.execPath, main, ...args, ...further]
  await import(main)
}

async function doors(demo: Demo): Promise<void> {
  const { ports } = demo
  const host = join(PLACES.demo, 'host')
  rmSync(join(host, 'demo.env'), { force: true }) // there again when all of it is
  mkdirSync(host, { recursive: true })
  const opened = [
    { port: ports.idp, host: 'demo-idp', hostPort: ports.idp },
    { port: ports.control, host: 'demo-workspace', hostPort: ports.control },
    { port: ports.redis, host: 'redis', hostPort: 6379 },
    { port: ports.admin, host: 'sidecar', hostPort: 9464 },
  ]
  await openDoors(opened, '0.0.0.0')
  const tokens = await mintDemoTokens(demo)
  copyFileSync(demo.pki.ca, join(host, 'demo-ca.pem'))
  const password = readFileSync(OPERATOR_PASSWORD, 'utf8').trim()
  writeDemoEnv({ ...demo, directory: host }, tokens, {
    BRICKGATE_CA: join(process.env['DEMO_HOST_FOLDER'] || '.run', 'demo-ca.pem'),
    REDIS_URL: `redis://brickgate-operator:${password}@127.0.0.1:${ports.redis}`,
  })
}
