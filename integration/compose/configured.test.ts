import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { connect } from 'node:tls'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createPki, type Pki } from '../../demo/pki/create-pki.ts'
import { HOME } from '../../launch/gateway.ts'
import { type Answer, send } from '../harness/answer.ts'
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

const SERVED = { timeout: 30_000, interval: 300 }

type Environment = Readonly<Record<string, string>>

describe.skipIf(missing !== null)('a configured gateway in containers', () => {
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
    it('the init step accepts what .env.example and the shipped brickgate.yaml say', async () => {
      await expect(run('init', configured())).resolves.toContain('brickgate.yaml is usable')
    })

    it('the init step refuses a key that lighttpd could not read, and says which', async () => {
      chmodSync(pki.servers.tls.key, 0o600)
      await expect(run('init', configured())).rejects.toThrow(/tls\/tls\.key.*group 10000 can read/)
      chmodSync(pki.servers.tls.key, 0o644)
    })

    it('the init step refuses a key of another certificate', async () => {
      const other = await createPki(join(folder, 'tls/other'), { tls: ['dbx.example.com'] })
      chmodSync(join(folder, 'tls/other'), 0o755)
      chmodSync(other.servers.tls.key, 0o644)
      const environment = { ...configured(), TLS_KEY: 'tls/other/tls.key' }
      await expect(run('init', environment)).rejects.toThrow(/the key is not the certificate/)
    })

    it.each([
      ['a certificate that lies beside the folder of lighttpd', 'beside.pem', 'tls/tls.key'],
      ['a key that lies beside the folder of lighttpd', 'tls/tls.pem', 'beside.key'],
      ['a link that leads out of the folder of lighttpd', 'tls/link.pem', 'tls/tls.key'],
    ])('the init step refuses %s', async (_what, TLS_CERTIFICATE, TLS_KEY) => {
      copyFileSync(pki.servers.tls.cert, join(folder, 'beside.pem'))
      copyFileSync(pki.servers.tls.key, join(folder, 'beside.key'))
      rmSync(join(folder, 'tls/link.pem'), { force: true })
      symlinkSync('../beside.pem', join(folder, 'tls/link.pem'))
      await expect(run('init', { ...configured(), TLS_CERTIFICATE, TLS_KEY })).rejects.toThrow(
        /tiers\.internal\.tls: `\/etc\/brickgate\/beside\.\w+` is not in `\/etc\/brickgate\/tls\/`/,
      )
    })

    it('the init step refuses to start without a configuration, and says all that is missing', async () => {
      await expect(run('init', {})).rejects.toThrow(EVERYTHING_MISSING)
    })

    it.each([
      ['beside a real workspace', { DATABRICKS_HOST: 'adb-1.azuredatabricks.net' }],
      ['off loopback', { BRICKGATE_BIND: '0.0.0.0' }],
    ])('the init step gets no demo %s', async (_where, environment) => {
      await expect(run('demo-init', environment)).rejects.toThrow(/the demo is/)
    })
  })

  /**
   * Its provider and its workspace are those of another project's demo: the gateway itself is a
   * real one.
   */
  describe('comes up', () => {
    let demoProject: ComposeProject
    let compose: ComposeProject['compose']
    let port: number
    /** networks of the gateway, who joins them, and by which name */
    let meetings: readonly (readonly [network: string, container: string, alias: string])[] = []
    beforeAll(async () => {
      demoProject = await composeProject('a', { sidecars: 2 })
      const { iss = '' } = decodeJwt(demoProject.setting('TOKEN_ALICE'))
      const ports = await freePorts()
      port = Number(ports['BRICKGATE_INTERNAL_PORT'])
      trustWorld()
      const name = `${demoProject.name}-real`
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
        [`${name}_issuers`, `${demoProject.name}-demo-idp-1`, new URL(iss).hostname],
        [`${name}_workspace`, `${demoProject.name}-demo-workspace-1`, 'demo-workspace'],
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

    it('a configured gateway comes up and serves by it: who the policy names gets through, nobody else', async () => {
      const alice = await demoProject.mint({ sub: 'alice', groups: ['databricks-users'] })
      const mallory = await demoProject.mint({ sub: 'mallory', groups: ['others'] })
      await demoProject.forgetUpstreamRequests()
      expect((await sendRequest('/api/2.1/clusters/list', null)).status).toBe(401)
      expect((await sendRequest('/api/2.1/clusters/list', mallory)).status).toBe(403)
      expect((await sendRequest('/api/2.0/secrets/list', alice)).status).toBe(403)
      expect((await sendRequest('/api/2.1/clusters/list', alice)).status).toBe(200)
      const whoami = await sendRequest('/_brickgate/whoami', alice)
      expect(JSON.parse(whoami.body)).toMatchObject({ subject: 'alice', issuer: 'corp' })
      const requests = await demoProject.upstreamRequests()
      expect(requests.map(({ target }) => target)).toEqual(['/api/2.1/clusters/list'])
    })

    it.each([
      ['lighttpd', 'tls', ['tls/tls.key', 'tls/tls.pem']],
      ['egress', 'ca', ['ca/world-ca.pem']],
    ])(
      'a configured gateway comes up so that %s sees of the configuration the folder %s alone',
      async (service, own, files) => {
        const seen = await compose('exec', '-T', service, 'find', '/etc/brickgate', '-type', 'f')
        const names = seen.split('\n').map((name) => name.replace('/etc/brickgate/', ''))
        expect(names).toEqual(expect.arrayContaining(files))
        expect(names.filter((name) => name !== '' && !name.startsWith(`${own}/`))).toEqual([])
        const mounts = await compose('exec', '-T', service, 'cat', '/proc/self/mounts')
        expect(mounts).not.toMatch(/ \/var\/lib\/brickgate\/secrets /)
      },
    )

    it('a configured gateway comes up and the egress takes up authorities that another file of this name replaced', async () => {
      const authorities = join(folder, 'ca/world-ca.pem')
      const other = await createPki(join(folder, 'nobody'), { tls: ['localhost'] })
      replace(other.ca, authorities)
      await compose('restart', 'egress')
      await expect.poll(async () => (await asAlice()).status, SERVED).toBe(503)
      writeFileSync(`${authorities}.next`, demoProject.listener().ca)
      renameSync(`${authorities}.next`, authorities)
      await compose('restart', 'egress')
      await expect.poll(async () => (await asAlice()).status, SERVED).toBe(200)
    })

    it('a configured gateway comes up and lighttpd takes up a certificate that another file of this name replaced', async () => {
      const before = await servedCertificate()
      const renewed = await createPki(join(folder, 'renewed'), { tls: ['localhost'] })
      replace(renewed.servers.tls.key, pki.servers.tls.key)
      replace(renewed.servers.tls.cert, pki.servers.tls.cert)
      await compose('kill', '--signal', 'USR1', 'lighttpd')
      await expect.poll(servedCertificate, { timeout: 20_000 }).not.toBe(before)
      expect(await servedCertificate()).toBe(fingerprintOf(renewed.servers.tls.cert))
    })

    it('a configured gateway comes up without any of the demo', async () => {
      const services = (await compose('ps', '--all', '--services')).trim().split('\n').sort()
      expect(services).toEqual(['egress', 'init', 'lighttpd', 'redis', 'redis-init', 'sidecar'])
    })

    function sendRequest(path: string, token: string | null): Promise<Answer> {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` }
      const ca = readFileSync(pki.ca, 'utf8')
      return send({ port, ca }, path, { headers })
    }

    async function asAlice(): Promise<Answer> {
      return sendRequest(
        '/api/2.1/clusters/list',
        await demoProject.mint({ sub: 'alice', groups: ['databricks-users'] }),
      )
    }

    async function servedCertificate(): Promise<string | undefined> {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      try {
        await once(socket, 'secureConnect')
        return socket.getPeerX509Certificate()?.fingerprint256
      } finally {
        socket.destroy()
      }
    }

    /**
     * A workspace with another port than 443, and authorities of one's own: the only lines that
     * change.
     */
    function trustWorld(): void {
      mkdirSync(join(folder, 'ca'), { recursive: true })
      writeFileSync(join(folder, 'ca/world-ca.pem'), demoProject.listener().ca)
      const file = join(folder, 'brickgate.yaml')
      const shipped = readFileSync(file, 'utf8')
      const changed = shipped
        .replace(/^( +)preset: .*$/m, '$&\n$1ca_file: ca/world-ca.pem')
        .replace(
          /^( +)id: .*WORKSPACE_ID.*$/m,
          '$&\n$1address: demo-workspace:9444\n$1ca_file: ca/world-ca.pem',
        )
      writeFileSync(file, changed)
    }
  })

  /** The variables of .env.example, with an existing certificate. */
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

/** Puts a copy in the place of a file as tools of renewal do: under another name first. */
function replace(by: string, file: string): void {
  copyFileSync(by, `${file}.next`)
  chmodSync(`${file}.next`, 0o644)
  renameSync(`${file}.next`, file)
}

function fingerprintOf(certificate: string): string {
  return new X509Certificate(readFileSync(certificate)).fingerprint256
}
