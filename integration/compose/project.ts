import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { inject } from 'vitest'
import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { createTrustingFetch } from '../../demo/service/trusting-fetch.ts'
import { HOME } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { type Answer, type Listener, send } from '../harness/answer.ts'
import { docker } from './docker.ts'
import { IMAGES } from './images.ts'

/**
 * The shipped docker-compose.yml with its profile `demo`, as a project of its own on free ports.
 */
export interface ComposeProject {
  readonly name: string
  /** runs a command of `docker compose`; returns what it printed */
  compose(...args: readonly string[]): Promise<string>
  /** the containers of a service, running or not */
  containers(service: string): Promise<readonly string[]>
  listener(tier?: 'internal' | 'external'): Listener
  /** sends a request to the internal tier, with a bearer token unless it is null */
  sendRequest(token: string | null, path?: string, method?: string): Promise<Answer>
  /** a token of the demo's provider with these claims */
  mint(claims: object): Promise<string>
  upstreamRequests(): Promise<readonly RecordedRequest[]>
  forgetUpstreamRequests(): Promise<void>
  admin(path: string): Promise<{ readonly status: number; readonly body: string }>
  /** the answer of its started Prometheus at a path of its API below `/api/v1/` */
  prometheus(path: string): Promise<unknown>
  /** a value of its demo.env */
  setting(name: string): string
}

interface Files {
  /** a further compose file, relative to this folder */
  readonly further?: string
  readonly profiles?: readonly string[]
}

interface Options extends Pick<Files, 'further'> {
  readonly environment?: Readonly<Record<string, string>>
  readonly sidecars?: number
}

const PORTS = [
  'BRICKGATE_INTERNAL_PORT',
  'BRICKGATE_EXTERNAL_PORT',
  'BRICKGATE_REDIRECT_PORT',
  'DEMO_ADMIN_PORT',
  'DEMO_IDP_PORT',
  'DEMO_REDIS_PORT',
  'DEMO_SIM_PORT',
  'PROMETHEUS_PORT',
] as const

const CLUSTERS = '/api/2.1/clusters/list'

/**
 * The project of this name: started by the first who asks for it, ended after the last test file.
 */
export async function composeProject(name: string, options: Options = {}): Promise<ComposeProject> {
  const { folder: noted } = inject('containers')
  // of this run alone: another may go on beside it, in another tree
  const projectName = `${basename(noted).toLowerCase()}-${name}`
  const folder = join(noted, projectName)
  const isNew = !existsSync(folder)
  if (isNew) noteProject(projectName)
  const environmentFile = join(folder, 'environment.json')
  const environment = isNew
    ? { ...(await freePorts()), ...IMAGES.environment, ...options.environment }
    : (JSON.parse(readFileSync(environmentFile, 'utf8')) as Record<string, string>)
  writeFileSync(environmentFile, JSON.stringify(environment))
  const compose = composeCommand(projectName, environment, options)
  if (isNew) {
    await compose('up', '--detach', '--wait', '--scale', `sidecar=${options.sidecars ?? 1}`)
    await compose('cp', 'demo:/var/lib/brickgate/demo/host/.', folder)
  }
  return opened(projectName, { compose, environment, folder })
}

/**
 * Has what carries this project's label ended after the last test file, whatever became of its
 * test.
 */
export function noteProject(name: string): void {
  mkdirSync(join(inject('containers').folder, name), { recursive: true })
}

/** A port of this host, free now, for each port of docker-compose.yml. */
export async function freePorts(): Promise<Record<string, string>> {
  const entries = PORTS.map(async (name) => [name, String(await freePort())] as const)
  return Object.fromEntries(await Promise.all(entries))
}

/**
 * `docker compose` for a project of the shipped file, with nothing but this environment for its
 * `.env`.
 */
export function composeCommand(
  name: string,
  environment: Readonly<Record<string, string>>,
  { further, profiles = ['demo'] }: Files = {},
): ComposeProject['compose'] {
  const files = [
    join(HOME, 'docker-compose.yml'),
    ...(further === undefined ? [] : [join(import.meta.dirname, further)]),
  ].flatMap((file) => ['--file', file])
  const asked = profiles.flatMap((profile) => ['--profile', profile])
  const fixed = ['--project-name', name, '--env-file', '/dev/null', ...asked]
  return (...args) => docker(['compose', ...files, ...fixed, ...args], environment)
}

interface Parts {
  readonly compose: ComposeProject['compose']
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
}

function opened(name: string, { compose, environment, folder }: Parts): ComposeProject {
  const ca = readFileSync(join(folder, 'demo-ca.pem'), 'utf8')
  const trusting = createTrustingFetch(ca)
  const port = (variable: (typeof PORTS)[number]): number => Number(environment[variable])
  const control = `http://127.0.0.1:${port('DEMO_SIM_PORT')}/__sim/requests`
  const project: ComposeProject = {
    name,
    compose,
    async containers(service) {
      const ids = await compose('ps', '--all', '--quiet', service)
      return ids.split('\n').filter((id) => id !== '')
    },
    listener: (tier = 'internal') => ({
      port: port(tier === 'internal' ? 'BRICKGATE_INTERNAL_PORT' : 'BRICKGATE_EXTERNAL_PORT'),
      ca,
    }),
    sendRequest: (token, path = CLUSTERS, method = 'GET') =>
      send(project.listener(), path, {
        method,
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
      }),
    async mint(claims) {
      const url = `https://localhost:${port('DEMO_IDP_PORT')}/__demo/token`
      const response = await trusting(url, { method: 'POST', body: JSON.stringify(claims) })
      return String(((await response.json()) as { access_token: unknown }).access_token)
    },
    upstreamRequests: async () => (await (await fetch(control)).json()) as RecordedRequest[],
    forgetUpstreamRequests: async () => void (await fetch(control, { method: 'DELETE' })),
    async admin(path) {
      const response = await fetch(`http://127.0.0.1:${port('DEMO_ADMIN_PORT')}${path}`)
      return { status: response.status, body: await response.text() }
    },
    async prometheus(path) {
      const url = `http://127.0.0.1:${port('PROMETHEUS_PORT')}/api/v1/${path}`
      return ((await (await fetch(url)).json()) as { readonly data: unknown }).data
    },
    setting(variable) {
      const text = readFileSync(join(folder, 'demo.env'), 'utf8')
      return new RegExp(`^export ${variable}='(.*)'$`, 'm').exec(text)?.[1] ?? ''
    },
  }
  return project
}
