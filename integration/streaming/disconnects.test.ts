import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeServer, listen } from '../../demo/service/listen.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { type RelayedGate, startRelayedGate } from '../harness/relayed-gate.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { answered, largeBody, open } from './bodies.ts'

const ENDS_WITHIN_MS = 5000

/** A workspace that shows what becomes of a request that it does not finish. */
let workspace: Server
let port: number
let stack: StackClient
let engineer: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
  const { cert, key } = stack.info.demo.pki.servers.workspace
  workspace = createServer({ cert: readFileSync(cert), key: readFileSync(key) })
  port = await listen(workspace, 0)
})

afterAll(async () => {
  await closeServer(workspace)
  stack.close()
})

describe.each(testedLighttpds())('a client that leaves lighttpd $version', (tested) => {
  let gate: RelayedGate

  beforeAll(async () => {
    const environment = { BRICKGATE_WORKSPACE_ADDRESS: `127.0.0.1:${port}` }
    gate = await startRelayedGate(stack.info, { tested, environment, egress: 'own' })
  })

  afterAll(() => gate.stop())

  it.each([
    ['while the workspace is thinking', 'GET', false],
    ['in the middle of the answer', 'GET', true],
    ['in the middle of its upload', 'PUT', false],
  ] as const)(
    'a client that leaves %s ends the request to the workspace',
    async (_name, method, answers) => {
      const arriving = once(workspace, 'request') as Promise<[IncomingMessage, ServerResponse]>
      const headers = { authorization: `Bearer ${engineer}` }
      const sent = open(gate.listener(), '/api/2.0/fs/files/Volumes/demo/left', { method, headers })
      sent.on('error', () => undefined) // its own end
      if (method === 'PUT') sent.write('the first of many bytes')
      else sent.end()
      const [, response] = await arriving
      if (answers) {
        largeBody().pipe(response)
        await once(await answered(sent), 'data')
      }

      const leftMs = performance.now()
      sent.destroy()
      await once(response, 'close')
      expect(response.writableFinished).toBe(false)
      expect(performance.now() - leftMs).toBeLessThan(ENDS_WITHIN_MS)
    },
    20_000,
  )
})
