import { join } from 'node:path'

/** Where the volumes of docker-compose.yml are mounted, in whichever container. */
const STATE = process.env['BRICKGATE_STATE'] ?? '/var/lib/brickgate'

/** Folders of containers; each is a volume of its own, so that nobody sees what is not theirs. */
export const PLACES = {
  /** what the operator wrote */
  operator: '/etc/brickgate',
  /** the proof, for lighttpd, the egress and the sidecar */
  proof: join(STATE, 'proof'),
  /** for the sidecar alone */
  secrets: join(STATE, 'secrets'),
  /** users, for Redis alone */
  redis: join(STATE, 'redis'),
  /** the environment of the pieces; nothing secret */
  settings: join(STATE, 'settings'),
  /** certificates and configuration of the demo; empty without it */
  demo: join(STATE, 'demo'),
} as const

/** Written by the demo each time it is asked for, and used up by the init step. */
export const DEMO_REQUEST: string = join(PLACES.demo, 'requested')

export const OPERATOR_PASSWORD: string = join(PLACES.secrets, 'redis-operator-password')
