import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { createPki, type Pki } from '../pki/create-pki.ts'
import { IMAGES } from './images.ts'
import { composeCommand } from './project.ts'

const { missing } = inject('containers')

const EVERYTHING_MISSING =
  /issuers\[0\]\.issuer: env `OIDC_ISSUER` cannot be read[^]*workspace\.host: env `DATABRICKS_HOST` cannot be read[^]*\.env\.example/

describe.skipIf(missing !== null)('the init step of the composed gateway', () => {
  let folder: string
  let pki: Pki<'tls'>
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'brickgate-config-'))
    chmodSync(folder, 0o755)
    for (const file of ['brickgate.yaml', 'policy.yaml']) {
      copyFileSync(join(HOME, 'deploy/compose', file), join(folder, file))
    }
    pki = await createPki(join(folder, 'tls'), { tls: ['dbx.example.com'] })
    chmodSync(join(folder, 'tls'), 0o755)
    chmodSync(pki.servers.tls.cert, 0o644)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('accepts what .env.example and the shipped brickgate.yaml say', async () => {
    chmodSync(pki.servers.tls.key, 0o644)
    await expect(run('init', configured())).resolves.toContain('brickgate.yaml is usable')
  })

  it('refuses a key that lighttpd could not read, and says which', async () => {
    chmodSync(pki.servers.tls.key, 0o600)
    await expect(run('init', configured())).rejects.toThrow(/tls\/tls\.key.*group 10000 can read/)
  })

  it('refuses a key of another certificate', async () => {
    chmodSync(pki.servers.tls.key, 0o644)
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

  /** What .env.example says, with a certificate that is there. */
  function configured(): Record<string, string> {
    const example = readFileSync(join(HOME, '.env.example'), 'utf8').matchAll(/^(\w+)=(.*)$/gm)
    const values = Object.fromEntries(
      [...example].map(([, name = '', value = '']) => [name, value]),
    )
    const tls = { TLS_CERTIFICATE: 'tls/tls.pem', TLS_KEY: 'tls/tls.key' }
    return { ...values, ...tls, BRICKGATE_CONFIG_DIR: folder }
  }

  async function run(step: string, environment: Readonly<Record<string, string>>): Promise<string> {
    const everything = { ...IMAGES.environment, ...environment }
    const compose = composeCommand(basename(folder).toLowerCase(), undefined, everything)
    try {
      return await compose('run', '--rm', '-T', '--no-deps', step)
    } finally {
      await compose('down', '--volumes')
    }
  }
})
