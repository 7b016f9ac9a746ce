import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { createPki, type Pki } from '../pki/create-pki.ts'
import { type Answer, send } from '../stack/answer.ts'
import { docker } from './docker.ts'
import { IMAGES } from './images.ts'
import {
  type ComposeProject,
  composeCommand,
  composeProject,
  freePorts,
  noteProject,
} from './project.ts'

const { missing } = inject('containers')

const EVERYTHING_MISSING =
  /issuers\[0\]\.issuer: env `OIDC_ISSUER` cannot be read[^]*workspace\.host: env `DATABRICKS_HOST` cannot be read[^]*\.env\.example/

type Environment = Readonly<Record<string, string>>

describe.skipIf(missing !== null)('what an operator configures', () => {
  let folder: string
  let pki: Pki<'tls'>
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'brickgate-config-'))
    chmodSync(folder, 0o755)
    for (const file of ['brickgate.yaml', 'policy.yaml']) {
      copyFileSync(join(HOME, 'deploy/compose', file), join(folder, file))
    }
    pki = await createPki(join(folder, 'tls'), { tls: ['dbx.example.com', 'localhost'] })
    chmodSync(join(folder, 'tls'), 0o755)
    chmodSync(pki.servers.tls.cert, 0o644)
    chmodSync(pki.servers.tls.key, 0o644)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  describe('is looked at by the init step, which', () => {
    it('accepts what .env.example and the shipped brickgate.yaml say', async () => {
      await expect(run('init', configured())).resolves.toContain('brickgate.yaml is usable')
    })

    it('refuses a key that lighttpd could not read, and says which', async () => {
      chmodSync(pki.servers.tls.key, 0o600)
      await expect(run('init', configured())).rejects.toThrow(/tls\/tls\.key.*group 10000 can read/)
      chmodSync(pki.servers.tls.key, 0o644)
    })

    it('refuses a key of another certificate', async () => {
      const other = await createPki(join(folder, 'other'), { tls: ['dbx.example.com'] })
      chmodSync(join(folder, 'other'), 0o755)
      chmodSync(other.servers.tls.key, 0o644)
      const environment = { ...configured(), TLS_KEY: 'other/tls.key' }
      await expect(run('init', environment)).rejects.toThrow(/the key is not the certificate/)
    })

    it('refuses to start without a configuration, and says all that is missing', async () => {
      await expect(run('init', {})).rejects.toThrow(EVERYTHING_MISSING)
    })

    it.each([
      ['beside a real workspace', { DATABRICKS_HOST: 'adb-1.azuredatabricks.net' }],
      ['off loopback', { BRICKGATE_BIND: '0.0.0.0' }],
    ])('gets no demo %s', async (_where, environment) => {
      await expect(run('demo-init', environment)).rejects.toThrow(/the demo is/)
    })
  })

  /** Its provider and its workspace are those of another project's demo: the gateway itself is a real one. */
  describe('comes up', () => {
    let world: ComposeProject
    let compose: ComposeProject['compose']
    let port: number
    /** networks of the gateway, who joins them, and by which name */
    let meetings: readonly (readonly [network: string, container: string, alias: string])[] = []
    beforeAll(async () => {
      world = await composeProject('a', { sidecars: 2 })
      const { iss = '' } = decodeJwt(world.setting('TOKEN_ALICE'))
      const ports = await freePorts()
      port = Number(ports['BRICKGATE_INTERNAL_PORT'])
      trustWorld()
      const name = `${world.name}-real`
      const environment = {
        ...IMAGES.environment,
        ...configured(),
        ...ports,
        BRICKGATE_BIND: '127.0.0.1',
        BRICKGATE_INTERNAL_URL: `https://localhost:${port}`,
        OIDC_ALIAS: 'corp',
        OIDC_ISSUER: iss,
        OIDC_PRESET: 'generic',
      }
      compose = composeCommand(name, environment, { profiles: [] })
      noteProject(name)
      await compose('create')
      meetings = [
        [`${name}_issuers`, `${world.name}-demo-idp-1`, new URL(iss).hostname],
        [`${name}_workspace`, `${world.name}-demo-workspace-1`, 'demo-workspace'],
      ]
      for (const [network, container, alias] of meetings) {
        await docker(['network', 'connect', '--alias', alias, network, container])
      }
      await compose('up', '--detach', '--wait')
    })
    afterAll(async () => {
      for (const [network, container] of meetings) {
        await docker(['network', 'disconnect', network, container])
      }
      await compose('down', '--volumes')
    })

    it('and serves by it: who the policy names gets through, nobody else', async () => {
      const alice = await world.mint({ sub: 'alice', groups: ['databricks-users'] })
      const mallory = await world.mint({ sub: 'mallory', groups: ['others'] })
      await world.forgetUpstreamRequests()
      expect((await ask('/api/2.1/clusters/list', null)).status).toBe(401)
      expect((await ask('/api/2.1/clusters/list', mallory)).status).toBe(403)
      expect((await ask('/api/2.0/secrets/list', alice)).status).toBe(403)
      expect((await ask('/api/2.1/clusters/list', alice)).status).toBe(200)
      const whoami = await ask('/_brickgate/whoami', alice)
      expect(JSON.parse(whoami.body)).toMatchObject({ subject: 'alice', issuer: 'corp' })
      const requests = await world.upstreamRequests()
      expect(requests.map(({ target }) => target)).toEqual(['/api/2.1/clusters/list'])
    })

    it('without any of the demo', async () => {
      const services = (await compose('ps', '--all', '--services')).trim().split('\n').sort()
      expect(services).toEqual(['egress', 'init', 'lighttpd', 'redis', 'redis-init', 'sidecar'])
    })

    function ask(path: string, token: string | null): Promise<Answer> {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` }
      const ca = readFileSync(pki.ca, 'utf8')
      return send({ port, ca }, path, { headers })
    }

    /** A workspace with another port than 443, and authorities of one's own: the only lines that change. */
    function trustWorld(): void {
      writeFileSync(join(folder, 'world-ca.pem'), world.listener().ca)
      const file = join(folder, 'brickgate.yaml')
      const shipped = readFileSync(file, 'utf8')
      const changed = shipped
        .replace(/^( +)preset: .*$/m, '$&\n$1ca_file: world-ca.pem')
        .replace(
          /^( +)id: .*WORKSPACE_ID.*$/m,
          '$&\n$1address: demo-workspace:9444\n$1ca_file: world-ca.pem',
        )
      writeFileSync(file, changed)
    }
  })

  /** What .env.example says, with a certificate that is there. */
  function configured(): Environment {
    const example = readFileSync(join(HOME, '.env.example'), 'utf8').matchAll(/^(\w+)=(.*)$/gm)
    const values = Object.fromEntries(
      [...example].map(([, name = '', value = '']) => [name, value]),
    )
    const tls = { TLS_CERTIFICATE: 'tls/tls.pem', TLS_KEY: 'tls/tls.key' }
    return { ...values, ...tls, BRICKGATE_CONFIG_DIR: folder }
  }

  async function run(step: string, environment: Environment): Promise<string> {
    const everything = { ...IMAGES.environment, ...environment }
    const compose = composeCommand(basename(folder).toLowerCase(), everything)
    try {
      return await compose('run', '--rm', '-T', '--no-deps', step)
    } finally {
      await compose('down', '--volumes')
    }
  }
})
