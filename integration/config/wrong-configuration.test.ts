import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type DemoPorts, prepareDemo } from '../../demo/demo.ts'
import { HOME } from '../../launch/gateway.ts'
import { accepts, freePort } from '../../launch/probe.ts'
import { type CommandResult, run } from '../harness/commands.ts'

const EXIT_CONFIG = 78
const SECRET = 'hunter2-of-the-operator'

let folder: string
let ports: DemoPorts
/** a configuration that works, as text and as document */
let good: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-config-'))
  const port = await freePort()
  const others = { redirect: 2, redis: 3, idp: 4, workspace: 5, control: 6 }
  ports = { internal: 7, external: 8, admin: port, egressAdmin: 9, lighttpdAdmin: 10, ...others }
  const demo = await prepareDemo(folder, ports)
  good = readFileSync(demo.configFile, 'utf8')
})

beforeEach(() => {
  write('brickgate.yaml', good)
  write('policy.yaml', readFileSync(join(HOME, 'demo/policy.yaml'), 'utf8'))
  write('secrets/proof', `${'a'.repeat(64)}\n`)
})

afterAll(() => rmSync(folder, { recursive: true }))

/** A configuration with several mistakes at once. */
function ruined(): string {
  const { redis: _, ...document } = parse(good) as Record<string, object>
  return stringify({
    ...document,
    policies: 'policy.yaml',
    issuers: [{ name: 'Demo', issuer: 'http://idp.example.com', audiences: [], preset: 'generic' }],
    workspace: {
      ...document['workspace'],
      ca_file: 'no-such.pem',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: references of brickgate.yaml
      credential: { type: 'personal_access_token', token: '${file:secrets/no-such-token}' },
    },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: references of brickgate.yaml
    sessions: { keys: ['${env:NO_SUCH_VARIABLE}', `${SECRET}-but-too-short`] },
    runtime: { ...document['runtime'], directory: 'sockets', workers: 0 },
  })
}

const RUINED_PATHS = [
  'issuers[0].algorithms',
  'issuers[0].audiences[0]',
  'issuers[0].issuer',
  'issuers[0].name',
  'policies',
  'policy.file',
  'redis',
  'runtime.proof_file',
  'runtime.workers',
  'sessions.keys[0]',
  'sessions.keys[1]',
  'sign_in.issuer',
  'workspace.ca_file',
  'workspace.credential.token',
]

describe.each(['config check', 'serve'])('`brickgate %s`', (command) => {
  it('a command with a wrong configuration lists every problem at once with its path, ends with 78, and starts nothing', async () => {
    write('brickgate.yaml', ruined())
    write('policy.yaml', 'version: 1\npolicies: []\n')
    write('secrets/proof', 'too short\n')

    const { code, stdout, stderr } = await brickgate(command)

    expect(code).toBe(EXIT_CONFIG)
    expect([...new Set(pathsIn(stderr))].sort()).toEqual(RUINED_PATHS)
    expect(stdout).toBe('')
    expect(stderr).not.toContain(SECRET)
    expect(await accepts(`127.0.0.1:${ports.admin}`)).toBe(false)
    expect(readdirSync(join(folder, 'sockets'))).toEqual([])
    expect(existsSync(join(folder, 'logs/audit.log'))).toBe(false)
  })
})

describe('a configuration that is wrong in one thing is refused with 78:', () => {
  it.each<[string, string, () => void]>([
    [
      'a key that is not known',
      'sessions.idle_timeout',
      () => edit('sessions', { idle_timeout: 5 }),
    ],
    [
      'a key that stands twice',
      '(document)',
      () => write('brickgate.yaml', `${good}admin: { listen: "127.0.0.1:1" }\n`),
    ],
    ['a file that is not there', '(document)', () => rmSync(join(folder, 'brickgate.yaml'))],
    [
      'a policy that permits by a mistyped key',
      'policy.file',
      () => write('policy.yaml', MISTYPED_POLICY),
    ],
    ['a policy that is no YAML', 'policy.file', () => write('policy.yaml', 'policies: [')],
    [
      'a proof that is not there',
      'runtime.proof_file',
      () => rmSync(join(folder, 'secrets/proof')),
    ],
    [
      'a proof of three lines',
      'runtime.proof_file',
      () => write('secrets/proof', `${'a'.repeat(64)}\n`.repeat(3)),
    ],
    [
      'two tiers on one address',
      'tiers.external.listen',
      () => editExternal({ listen: '127.0.0.1:7' }),
    ],
  ])(
    'a configuration that is wrong in one thing is refused with 78: %s',
    async (_, path, spoil) => {
      spoil()

      const { code, stderr } = await brickgate('config check')
      expect({ code, paths: pathsIn(stderr) }).toEqual({ code: EXIT_CONFIG, paths: [path] })
    },
  )
})

describe('a secret is not repeated when', () => {
  it.each([
    ['it is no valid YAML', `password: "${SECRET}" ${SECRET}`],
    ['it looks like a reference', `password: "\${${SECRET}}"`],
    ['its URL is not usable', `url: "redis://user:${SECRET}@localhost/x"`],
  ])('a secret is not repeated when %s', async (_, line) => {
    write('brickgate.yaml', good.replace(/^ {2}url: .*$/m, `  url: redis://localhost\n  ${line}`))

    const { code, stdout, stderr } = await brickgate('config check')
    expect(code).toBe(EXIT_CONFIG)
    expect(stdout + stderr).not.toContain(SECRET)
  })
})

it('`brickgate serve` ends where its admin port is taken, and leaves no socket', async () => {
  const taken = await listenOn(ports.admin)

  const { code, stderr } = await brickgate('serve')
  taken.close()

  expect(code).toBe(1)
  expect(stderr).toContain('EADDRINUSE')
  const sockets = readdirSync(join(folder, 'sockets')).filter((name) => name.endsWith('.sock'))
  expect(sockets).toEqual([])
})

const MISTYPED_POLICY = `version: 1
policies:
  - { id: a, effect: permit, who: { any_verified: true }, path: [/api/2.0/clusters], paths: [/api] }
`

function brickgate(command: string): Promise<CommandResult> {
  const config = ['--config', join(folder, 'brickgate.yaml')]
  return run(join(HOME, 'bin/brickgate'), [...command.split(' '), ...config])
}

/** The paths of the problems in a listing, one a line. */
function pathsIn(listing: string): readonly string[] {
  return [...listing.matchAll(/^ {2}(\S+): \S/gm)].map(([, path = '']) => path)
}

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

function edit(section: string, change: object): void {
  const document = parse(good) as Record<string, object>
  write(
    'brickgate.yaml',
    stringify({ ...document, [section]: { ...document[section], ...change } }),
  )
}

function editExternal(change: object): void {
  const document = parse(good) as { tiers: { external: object } }
  edit('tiers', { external: { ...document.tiers.external, ...change } })
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server))
  })
}
