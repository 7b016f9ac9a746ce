import { Agent, request } from 'node:https'
import { WORKSPACE } from '../../demo/demo.ts'
import { mintToken } from '../../demo/env.ts'
import { alternate } from '../../sidecar/bench/alternate.ts'
import { stackClient } from '../harness/client.ts'
import { startStack, stopStack } from '../harness/stack.ts'

const REQUESTS = 300

/**
 * Latency of a request through the whole gateway, against the same sent to the workspace itself.
 */
export async function benchGateway(): Promise<void> {
  const stack = await startStack()
  const client = stackClient(stack)
  try {
    const token = await mintToken(stack.demo, { sub: 'alice', groups: ['analysts'] })
    const { ca, port } = client.listener()
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
    const headers = { authorization: `Bearer ${token}` }
    const through = { agent, port, servername: 'localhost', headers }
    const direct = { agent, port: stack.demo.ports.workspace, servername: WORKSPACE.host, headers }
    await alternate(
      'latency of a request, one after another on a kept connection',
      { name: 'through the gateway', run: () => latencyOf(through) },
      { name: 'to the workspace itself', run: () => latencyOf(direct) },
    )
    agent.destroy()
  } finally {
    client.close()
    await stopStack(stack)
  }
}

interface Route {
  readonly agent: Agent
  readonly port: number
  readonly servername: string
  readonly headers: Readonly<Record<string, string>>
}

/** @returns the mean, in microseconds */
async function latencyOf(route: Route): Promise<number> {
  const startedMs = performance.now()
  for (let sent = 0; sent < REQUESTS; sent++) await get(route)
  return ((performance.now() - startedMs) * 1000) / REQUESTS
}

function get(route: Route): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', path: '/api/2.1/clusters/list', ...route }
    request(target, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
      response.resume().once('end', resolve)
    })
      .once('error', reject)
      .end()
  })
}
