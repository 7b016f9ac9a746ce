import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEMO_REQUEST, OPERATOR_PASSWORD, VOLUMES } from '../../launch/compose/volumes.ts'
import { type Demo, IDP_HOST } from '../demo.ts'
import { mintDemoTokens, writeDemoEnv } from '../env.ts'
import { simulatedProcesses } from '../processes.ts'
import { demoInVolume, demoPorts, prepareDemoVolume } from './demo-volume.ts'
import { forwardPorts } from './forward.ts'

/**
 * The services of docker-compose.yml's profile `demo`. `prepare` writes the configuration and the
 * request that the init step reads. `idp` and `workspace` are the simulated services. `ports` opens
 * these, Redis and the admin pages to the host, and writes `demo.env`.
 */
const SERVICES: Readonly<Record<string, (demo: Demo) => Promise<unknown> | void>> = {
  prepare,
  idp,
  workspace: (demo) => become(demo, 'workspace'),
  ports,
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

/** The demo gives any token to any caller: loopback only, and never beside a real workspace. */
function refusalOf(environment: NodeJS.ProcessEnv): string | null {
  const address = environment['BRICKGATE_BIND'] || '127.0.0.1'
  if (!/^127\.|^\[?::1\]?$/.test(address)) {
    return `the demo is for loopback only, and BRICKGATE_BIND is ${address}`
  }
  const isConfigured = Boolean(environment['DATABRICKS_HOST'])
  return isConfigured ? 'the demo is not for a configured gateway: DATABRICKS_HOST is set' : null
}

/** Writes the configuration, which the init step reads next. */
async function prepare({ ports }: Demo): Promise<void> {
  await prepareDemoVolume(ports)
  writeFileSync(DEMO_REQUEST, '')
}

/** Forwards the gateway's port of the host to lighttpd: logout tokens go to that address. */
async function idp(demo: Demo): Promise<void> {
  const gateway = { port: demo.ports.internal, host: 'lighttpd', hostPort: 8443 }
  await forwardPorts([gateway], '127.0.0.1')
  await become(demo, 'idp', ['--issuer-host', IDP_HOST])
}

/** Runs a simulated service, a process in the native demo, in this process. */
async function become(demo: Demo, name: string, more: readonly string[] = []): Promise<void> {
  const simulated = simulatedProcesses(demo).find((each) => each.name === name)
  if (simulated === undefined) throw new Error(`the demo has no ${name}`)
  const [main = '', ...args] = simulated.args
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT')
  process.argv = [process.execPath, main, ...args, ...more]
  await import(main)
}

async function ports(demo: Demo): Promise<void> {
  const { ports: own } = demo
  const host = join(VOLUMES.demo, 'host')
  rmSync(join(host, 'demo.env'), { force: true }) // the health check waits for a new file
  mkdirSync(host, { recursive: true })
  const opened = [
    { port: own.idp, host: 'demo-idp', hostPort: own.idp },
    { port: own.control, host: 'demo-workspace', hostPort: own.control },
    { port: own.redis, host: 'redis', hostPort: 6379 },
    { port: own.admin, host: 'sidecar', hostPort: 9464 },
  ]
  await forwardPorts(opened, '0.0.0.0')
  const tokens = await mintDemoTokens(demo)
  copyFileSync(demo.pki.ca, join(host, 'demo-ca.pem'))
  const password = readFileSync(OPERATOR_PASSWORD, 'utf8').trim()
  writeDemoEnv({ ...demo, directory: host }, tokens, {
    BRICKGATE_CA: join(process.env['DEMO_HOST_FOLDER'] || '.run', 'demo-ca.pem'),
    REDIS_URL: `redis://brickgate-operator:${password}@127.0.0.1:${own.redis}`,
  })
}
