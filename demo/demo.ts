import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { HOME } from '../launch/gateway.ts'
import { makeSecret } from '../launch/secret.ts'
import { SIGN_IN_CLIENT } from './idp/clients.ts'
import { createPki, type Pki } from './pki/create-pki.ts'

/** The loopback ports of a demo. */
export interface DemoPorts {
  readonly internal: number
  readonly external: number
  readonly redirect: number
  readonly admin: number
  /** metrics of the egress and of lighttpd, for Prometheus */
  readonly egressAdmin: number
  readonly lighttpdAdmin: number
  readonly redis: number
  readonly idp: number
  readonly workspace: number
  readonly control: number
}

export const DEMO_PORTS: DemoPorts = {
  internal: 8443,
  external: 8444,
  redirect: 8080,
  admin: 9464,
  egressAdmin: 9465,
  lighttpdAdmin: 9466,
  redis: 16379,
  idp: 9443,
  workspace: 9444,
  control: 9445,
}

export const WORKSPACE = {
  host: 'adb-1234567890123456.7.azuredatabricks.net',
  id: '1234567890123456',
} as const

/** The provider's name, valid on the host (RFC 6761) and, as an alias, among containers. */
export const IDP_HOST = 'idp.localhost'

/** The files of a demo. */
export interface Demo {
  readonly directory: string
  readonly ports: DemoPorts
  readonly configFile: string
  readonly pki: Pki<'gateway' | 'workspace'>
}

/** A change to the demo's configuration: sections of `brickgate.yaml`, replaced whole. */
export type ConfigPatch = Readonly<Record<string, unknown>>

/**
 * Makes keys, certificates, proof, policy and configuration of a demo; existing secrets and
 * policies stay.
 *
 * @param shared certificates of another demo, whose provider and workspace the gateway then trusts
 */
export async function prepareDemo(
  directory: string,
  ports: DemoPorts,
  patch: ConfigPatch = {},
  shared?: Demo['pki'],
): Promise<Demo> {
  for (const folder of ['sockets', 'logs', 'redis', 'secrets']) {
    mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 })
  }
  makeSecret(join(directory, 'secrets/proof'), randomBytes(32).toString('hex'))
  makeSecret(join(directory, 'secrets/session-key'), randomBytes(32).toString('base64url'))
  makeSecret(join(directory, 'secrets/workspace-token'), `dapi${randomBytes(16).toString('hex')}`)
  const pki = shared ?? (await createDemoPki(directory))
  const configFile = join(directory, 'brickgate.yaml')
  const policyFile = join(directory, 'policy.yaml')
  if (!existsSync(policyFile)) copyFileSync(join(HOME, 'demo/policy.yaml'), policyFile)
  writeFileSync(configFile, stringify({ ...demoConfig(ports, pki), ...patch }), { mode: 0o600 })
  return { directory, ports, configFile, pki }
}

function createDemoPki(directory: string): Promise<Demo['pki']> {
  return createPki(join(directory, 'pki'), {
    gateway: ['localhost', '127.0.0.1', IDP_HOST],
    workspace: [WORKSPACE.host],
  })
}

function demoConfig(ports: DemoPorts, pki: Demo['pki']): ConfigPatch {
  const tls = { certificate: pki.servers.gateway.cert, key: pki.servers.gateway.key }
  const at = (port: number): string => `127.0.0.1:${port}`
  return {
    redis: { url: `redis://${at(ports.redis)}` },
    issuers: [
      {
        name: 'demo',
        issuer: `https://localhost:${ports.idp}`,
        audiences: ['api://databricks'],
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        preset: 'generic',
        ca_file: pki.ca,
      },
    ],
    workspace: {
      ...WORKSPACE,
      address: at(ports.workspace),
      ca_file: pki.ca,
      credential: { type: 'passthrough' },
    },
    tiers: {
      internal: {
        public_url: `https://localhost:${ports.internal}`,
        listen: at(ports.internal),
        tls,
      },
      external: {
        public_url: `https://localhost:${ports.external}`,
        listen: at(ports.external),
        tls,
      },
    },
    redirect: { listen: at(ports.redirect) },
    admin: {
      listen: at(ports.admin),
      egress_listen: at(ports.egressAdmin),
      lighttpd_listen: at(ports.lighttpdAdmin),
    },
    policy: { file: 'policy.yaml' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
    sessions: { keys: ['${file:secrets/session-key}'] },
    sign_in: {
      issuer: 'demo',
      client_id: SIGN_IN_CLIENT.id,
      client_secret: SIGN_IN_CLIENT.secret,
      scopes: ['openid', 'email', 'groups', 'all-apis'],
    },
    audit: { file: 'logs/audit.log' },
    runtime: { directory: 'sockets', proof_file: 'secrets/proof' },
  }
}
