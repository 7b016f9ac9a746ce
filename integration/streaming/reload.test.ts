import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { lighttpdVersion, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { send } from '../stack/answer.ts'
import { hold } from '../stack/authorizer.ts'
import { type StackClient, stackClient } from '../stack/client.ts'
import { type RelayedGate, startRelayedGate } from '../stack/relayed-gate.ts'
import { answered, open } from './bodies.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const RELOADS = 2
const REQUESTS_PER_RELOAD = 100

let stack: StackClient
let token: string
let gate: RelayedGate

// lighttpd starts itself anew by its own path, which is not the one of a program that another
// release's loader runs.
const tested = { version: lighttpdVersion(SYSTEM_LIGHTTPD), program: SYSTEM_LIGHTTPD }

beforeAll(async () => {
  stack = stackClient(inject('stack'))
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  gate = await startRelayedGate(stack.info, { tested })
})

afterAll(async () => {
  await gate.stop()
  stack.close()
})

it('a reload of lighttpd loses no request: not a new one, an answer under way, or one that is judged', async () => {
  const headers = { authorization: `Bearer ${token}` }
  for (let reload = 0; reload < RELOADS; reload += 1) {
    const events = open(gate.listener(), '/serving-endpoints/gpt-4o.mini/invocations', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
    })
    const streaming = await answered(events.end('{"stream":true,"max_tokens":5}'))
    const held = hold(gate.ask)
    gate.authorizer.behave = held.behave
    const asked = gate.authorizer.asked
    const judged = send(gate.listener(), CLUSTERS, { headers })
    await expect.poll(() => gate.authorizer.asked, { timeout: 10_000 }).toBe(asked + 1)
    gate.authorizer.behave = gate.ask

    process.kill(gate.pid, 'SIGUSR1')
    for (let request = 0; request < REQUESTS_PER_RELOAD; request += 1) {
      expect((await send(gate.listener(), CLUSTERS, { headers })).status).toBe(200)
    }
    held.release()
    expect((await judged).status).toBe(200)
    expect(await text(streaming)).toMatch(/word4[^]*\[DONE\]\n\n$/)
  }
  expect(
    gate.log('lighttpd-error.log').match(/graceful shutdown started/g)?.length,
  ).toBeGreaterThanOrEqual(RELOADS)
})
