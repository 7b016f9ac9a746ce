import { join } from 'node:path'
import { HOME } from '../launch/gateway.ts'
import { accepts } from '../launch/probe.ts'
import type { BackgroundProcess } from '../launch/process.ts'
import type { Demo, DemoPorts } from './demo.ts'

/**
 * Redis, the simulated OpenID provider and the simulated workspace, in the order in which they
 * start.
 */
export function simulatedProcesses(demo: Demo): readonly BackgroundProcess[] {
  const { directory, ports, pki } = demo
  return [
    {
      name: 'redis',
      command: 'redis-server',
      args: redisArguments(ports.redis, join(directory, 'redis')),
      environment: {},
      isReady: () => accepts(`127.0.0.1:${ports.redis}`),
    },
    {
      name: 'idp',
      command: process.execPath,
      args: [
        join(HOME, 'demo/idp/main.ts'),
        ...['--port', String(ports.idp)],
        ...['--cert', pki.servers.gateway.cert, '--key', pki.servers.gateway.key],
        ...['--ca', pki.ca],
        ...signInAddresses(ports),
      ],
      environment: {},
      isReady: () => accepts(`127.0.0.1:${ports.idp}`),
    },
    {
      name: 'workspace',
      command: process.execPath,
      args: [
        join(HOME, 'demo/databricks/main.ts'),
        ...['--port', String(ports.workspace), '--control-port', String(ports.control)],
        ...['--cert', pki.servers.workspace.cert, '--key', pki.servers.workspace.key],
        ...['--pat-file', join(directory, 'secrets/workspace-token')],
      ],
      environment: {},
      isReady: () => accepts(`127.0.0.1:${ports.workspace}`),
    },
  ]
}

/** Addresses to which the provider sends browsers and logout tokens. Both tiers sign people in. */
function signInAddresses({ internal, external }: DemoPorts): string[] {
  const page = (port: number, name: string): string =>
    `https://localhost:${port}/_brickgate/${name}`
  return [
    ...['--redirect-uri', page(internal, 'callback')],
    ...['--redirect-uri', page(external, 'callback')],
    ...['--post-logout-redirect-uri', page(internal, 'signed-out')],
    ...['--post-logout-redirect-uri', page(external, 'signed-out')],
    ...['--backchannel-logout-uri', page(internal, 'backchannel-logout')],
  ]
}

function redisArguments(port: number, directory: string): string[] {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}
