import { Agent, request } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionStats } from '../../demo/databricks/connections.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'

const REQUESTS = 1000
const MOST_CONNECTIONS = 20

/**
 * Fewer than connections, because a client may ask again before the egress has done with its last.
 */
const AT_ONCE = 16

let stack: StackClient
let token: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(sharedStack().edges)('through lighttpd $version', (edge) => {
  it('through lighttpd, 1,000 requests open at most 20 TLS connections to the workspace', async () => {
    const before = await connectionsOpened()
    const statuses = await sendMany(edge)
    expect(statuses).toEqual(Array.from({ length: REQUESTS }, () => 200))
    expect(await stack.upstreamRequests()).toHaveLength(REQUESTS)
    expect((await connectionsOpened()) - before).toBeLessThanOrEqual(MOST_CONNECTIONS)
  })
})

async function connectionsOpened(): Promise<number> {
  const { control } = stack.info.demo.ports
  const response = await fetch(`http://127.0.0.1:${control}/__sim/connections`)
  return ((await response.json()) as ConnectionStats).opened
}

async function sendMany(edge: Edge): Promise<number[]> {
  const { port, ca } = stack.listener('internal', edge)
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca, servername: 'localhost' })
  const headers = { host: `localhost:${port}`, authorization: `Bearer ${token}` }
  const path = '/api/2.1/clusters/list'
  const sendOne = (): Promise<number> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, agent, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
        .once('error', reject)
        .end()
    })
  const statuses = await Promise.all(Array.from({ length: REQUESTS }, sendOne))
  agent.destroy()
  return statuses
}
