import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import {
  type ConfigPatch,
  DEMO_PORTS,
  type Demo,
  type DemoPorts,
  prepareDemo,
} from '../../demo/demo.ts'
import { startDemo } from '../../demo/start.ts'
import { startGateway, stopDeployment } from '../../launch/deployment.ts'
import { edgeEnvironment, lighttpdProcess, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { startProcess, stopProcess } from '../../launch/process.ts'
import type { Config } from '../../sidecar/src/config/schema.ts'
import { testedLighttpds } from './lighttpd-programs.ts'

/**
 * An entrance to the gateway: a lighttpd with its listeners. Several may share sidecar and egress.
 */
export interface Edge {
  /** such as `1.4.85` */
  readonly version: string
  /** the name of its process, and so of its logs */
  readonly name: string
  readonly internal: number
  readonly external: number
  readonly redirect: number
}

/**
 * A whole gateway with its Redis, provider and workspace, as plain data so that it can be handed to
 * test files.
 */
export interface StackInfo {
  readonly demo: Demo
  readonly config: Config
  /** never empty: the machine's lighttpd first */
  readonly edges: readonly Edge[]
}

export interface StackOptions {
  /** sections of `brickgate.yaml` to replace */
  readonly config?: ConfigPatch
  /** a policy document instead of the demo's */
  readonly policy?: object
  /** whether the further lighttpds are started too */
  readonly everyLighttpd?: boolean
  /**
   * a stack whose Redis, provider, workspace and session key this one's gateway uses; it ends first
   */
  readonly sharing?: StackInfo
  /** the port of its Redis, for a test that needs the number before the start */
  readonly redisPort?: number
}

/** Starts a stack on free loopback ports in a folder of its own. */
export async function startStack(options: StackOptions = {}): Promise<StackInfo> {
  const demo = await prepare(options)
  const { directory, ports, configFile } = demo
  const [first, ...further] = testedLighttpds()
  try {
    const config = await (options.sharing === undefined
      ? startDemo(demo, SYSTEM_LIGHTTPD)
      : startGateway(configFile, directory, SYSTEM_LIGHTTPD))
    const { internal, external, redirect } = ports
    const version = first?.version ?? 'unknown'
    const edges: Edge[] = [{ version, name: 'lighttpd', internal, external, redirect }]
    for (const tested of options.everyLighttpd === true ? further : []) {
      edges.push(await startEdge({ demo, config }, tested))
    }
    return { demo, config, edges }
  } catch (error) {
    await stopDeployment(directory)
    throw error
  }
}

async function prepare({ config, policy, sharing, redisPort }: StackOptions): Promise<Demo> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-'))
  if (policy !== undefined) writeFileSync(join(directory, 'policy.yaml'), stringify(policy))
  const own = await freePorts()
  if (sharing === undefined) {
    return prepareDemo(
      directory,
      redisPort === undefined ? own : { ...own, redis: redisPort },
      config,
    )
  }
  const { demo } = sharing
  const { redis, idp, workspace, control } = demo.ports
  mkdirSync(join(directory, 'secrets'), { mode: 0o700 })
  for (const secret of ['session-key', 'workspace-token']) {
    copyFileSync(join(demo.directory, 'secrets', secret), join(directory, 'secrets', secret))
  }
  return prepareDemo(directory, { ...own, redis, idp, workspace, control }, config, demo.pki)
}

/** Stops everything a stack started and removes its folder. */
export async function stopStack({ demo, edges }: StackInfo): Promise<void> {
  for (const edge of edges.slice(1)) await stopProcess(edge.name, demo.directory)
  await stopDeployment(demo.directory)
  if (process.env['KEEP_STACK'] === undefined) {
    rmSync(demo.directory, { recursive: true, force: true })
  }
}

/** A file of the stack's folder as text, such as `logs/audit.log`. */
export function stackFile({ demo }: StackInfo, path: string): string {
  return readFileSync(join(demo.directory, path), 'utf8')
}

async function startEdge(
  { demo, config }: Pick<StackInfo, 'demo' | 'config'>,
  { version, program }: ReturnType<typeof testedLighttpds>[number],
): Promise<Edge> {
  const { internal, external, redirect, lighttpdAdmin } = await freePorts()
  const name = `lighttpd-${version}`
  const environment = {
    ...edgeEnvironment(config, demo.directory),
    BRICKGATE_RUN_DIR: sharedSockets(config.runtime.directory, name),
    BRICKGATE_INTERNAL_LISTEN: `127.0.0.1:${internal}`,
    BRICKGATE_EXTERNAL_LISTEN: `127.0.0.1:${external}`,
    BRICKGATE_REDIRECT_LISTEN: `127.0.0.1:${redirect}`,
    BRICKGATE_LIGHTTPD_ADMIN_LISTEN: `127.0.0.1:${lighttpdAdmin}`,
  }
  await startProcess(lighttpdProcess(name, program, environment), demo.directory)
  return { version, name, internal, external, redirect }
}

/**
 * A folder for a lighttpd's own files, with links to the sockets of sidecar and egress.
 */
function sharedSockets(directory: string, name: string): string {
  const own = join(directory, name)
  mkdirSync(own, { mode: 0o750 })
  const slots = ['authorizer-internal', 'authorizer-external', 'responder'].flatMap((socket) =>
    [0, 1, 2, 3].map((slot) => `${socket}-${slot}.sock`),
  )
  for (const socket of ['egress.sock', ...slots]) {
    symlinkSync(join(directory, socket), join(own, socket))
  }
  return own
}

async function freePorts(): Promise<DemoPorts> {
  const names = Object.keys(DEMO_PORTS)
  const ports = await Promise.all(names.map(async (name) => [name, await freePort()] as const))
  return { ...DEMO_PORTS, ...Object.fromEntries(ports) }
}
