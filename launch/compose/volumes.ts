import { join } from 'node:path'

/** The folder below which every container has the volumes of docker-compose.yml. */
const STATE = process.env['BRICKGATE_STATE'] ?? '/var/lib/brickgate'

/**
 * Folders of containers. Each is a volume, and a container mounts only the volumes that it needs.
 */
export const VOLUMES = {
  /** files of the operator */
  operator: '/etc/brickgate',
  /** the proof, for lighttpd, the egress and the sidecar */
  proof: join(STATE, 'proof'),
  /** for the sidecar alone */
  secrets: join(STATE, 'secrets'),
  /** users, for Redis alone */
  redis: join(STATE, 'redis'),
  /** environment of the services; no secrets */
  settings: join(STATE, 'settings'),
  /** certificates and configuration of the demo; empty without it */
  demo: join(STATE, 'demo'),
} as const

/** A file that the demo writes before each start; the init step removes it. */
export const DEMO_REQUEST: string = join(VOLUMES.demo, 'requested')

export const OPERATOR_PASSWORD: string = join(VOLUMES.secrets, 'redis-operator-password')
