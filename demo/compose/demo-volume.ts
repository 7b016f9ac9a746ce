import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { VOLUMES } from '../../launch/compose/volumes.ts'
import {
  type ConfigPatch,
  DEMO_PORTS,
  type Demo,
  type DemoPorts,
  IDP_HOST,
  prepareDemo,
  WORKSPACE,
} from '../demo.ts'

/** The demo's ports on the host; containers listen on fixed ports of their own. */
export function demoPorts(environment: NodeJS.ProcessEnv): DemoPorts {
  const port = (name: string, usual: number): number => Number(environment[name] || usual)
  return {
    ...DEMO_PORTS,
    internal: port('BRICKGATE_INTERNAL_PORT', DEMO_PORTS.internal),
    external: port('BRICKGATE_EXTERNAL_PORT', DEMO_PORTS.external),
    redirect: port('BRICKGATE_REDIRECT_PORT', DEMO_PORTS.redirect),
    admin: port('DEMO_ADMIN_PORT', DEMO_PORTS.admin),
    redis: port('DEMO_REDIS_PORT', DEMO_PORTS.redis),
    idp: port('DEMO_IDP_PORT', DEMO_PORTS.idp),
    control: port('DEMO_SIM_PORT', DEMO_PORTS.control),
  }
}

/** The demo in the demo's volume, as `prepareDemoVolume` has made it. */
export function demoInVolume(ports: DemoPorts): Demo {
  const folder = join(VOLUMES.demo, 'pki')
  const pki = {
    ca: join(folder, 'ca.pem'),
    servers: {
      gateway: { cert: join(folder, 'gateway.pem'), key: join(folder, 'gateway.key') },
      workspace: { cert: join(folder, 'workspace.pem'), key: join(folder, 'workspace.key') },
    },
  }
  return { directory: VOLUMES.demo, ports, configFile: join(VOLUMES.demo, 'brickgate.yaml'), pki }
}

/** Makes the demo's files; the group may read the certificates, which are made once. */
export async function prepareDemoVolume(ports: DemoPorts): Promise<void> {
  const { directory, pki } = demoInVolume(ports)
  const made = existsSync(pki.ca) ? pki : undefined
  await prepareDemo(directory, ports, inContainers(ports, pki), made)
  const folder = dirname(pki.ca)
  chmodSync(folder, 0o750)
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o640)
}

/** Differences from the demo of native processes: containers reach each other by name. */
function inContainers(ports: DemoPorts, pki: Demo['pki']): ConfigPatch {
  const tls = { certificate: pki.servers.gateway.cert, key: pki.servers.gateway.key }
  const secret = (name: string): string => `\${file:${join(VOLUMES.secrets, name)}}`
  return {
    redis: {
      url: 'redis://redis:6379',
      username: 'brickgate',
      password: secret('redis-password'),
    },
    issuers: [
      {
        name: 'demo',
        issuer: `https://${IDP_HOST}:${ports.idp}`,
        audiences: ['api://databricks'],
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        preset: 'generic',
        ca_file: pki.ca,
      },
    ],
    workspace: {
      ...WORKSPACE,
      address: `demo-workspace:${ports.workspace}`,
      ca_file: pki.ca,
      credential: { type: 'passthrough' },
    },
    tiers: {
      internal: {
        public_url: `https://localhost:${ports.internal}`,
        listen: '0.0.0.0:8443',
        tls,
      },
      external: {
        public_url: `https://localhost:${ports.external}`,
        listen: '0.0.0.0:8444',
        tls,
      },
    },
    redirect: { listen: '0.0.0.0:8080' },
    admin: {
      listen: '0.0.0.0:9464',
      egress_listen: '0.0.0.0:9465',
      lighttpd_listen: `\${env:LIGHTTPD_ADMIN_LISTEN}`,
    },
    sessions: { keys: [secret('session-key')] },
    audit: { file: '-' },
    runtime: { directory: '/run/brickgate', proof_file: join(VOLUMES.proof, 'proof') },
  }
}
