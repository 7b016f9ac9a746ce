import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { type Answer, openRaw, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { startOwnGate } from './own-gate.ts'
import { createRawClient } from './raw-client.ts'
import { requestText } from './requests.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const POLL = '/driver-proxy-api/o/1234567890123456/0101-demo/8080/poll?seconds=2'
const EVENTS = '/serving-endpoints/model/invocations'
const RESTARTS = 3

let stack: StackClient
let gate: Gate
let credential: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const alice = await stack.mint({ sub: 'alice', groups: ['analysts', 'data-eng'] })
  credential = `Bearer ${alice}`
  // Debian 13's on an older machine cannot start itself again: it runs by a loader of its own.
  const tested = testedLighttpds().find(({ program }) => program === SYSTEM_LIGHTTPD)
  if (tested === undefined) throw new Error('this machine has no lighttpd')
  gate = await startOwnGate(stack.info, { tested })
})

afterAll(async () => {
  await gate.stop()
  stack.close()
})

it('SIGUSR1 restarts lighttpd under load without losing a request', async () => {
  const load = startLoad()
  const inFlight: Promise<Answer>[] = []
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    inFlight.push(sendRequest(POLL), openEvents())
    await pause(400)
    process.kill(gate.pid, 'SIGUSR1')
    await expect.poll(() => count('server started'), { timeout: 10_000 }).toBe(restart + 2)
    await pause(400)
  }
  const answers = await Promise.all(inFlight)
  const { statuses } = await load.stop()

  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  for (const [at, { body }] of answers.entries()) {
    expect(body).toContain(at % 2 === 0 ? 'waited_seconds' : 'data: [DONE]')
  }
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(statuses.length).toBeGreaterThan(20)
  expect((await sendRequest(CLUSTERS)).status).toBe(200)
})

/**
 * Sends requests one after another in each of six loops: four on new connections, two on kept ones.
 */
function startLoad(): { stop(): Promise<{ statuses: readonly (number | string)[] }> } {
  const statuses: (number | string)[] = []
  const over = new AbortController()
  const run = async (request: () => Promise<Answer>): Promise<void> => {
    while (!over.signal.aborted) {
      statuses.push(await request().then(({ status }) => status, String))
    }
  }
  const kept = [1, 2].map(() => createRawClient(() => openRaw(gate.listener())))
  const text = requestText(CLUSTERS, [`Authorization: ${credential}`])
  const loops = [
    ...[1, 2, 3, 4].map(() => run(() => sendRequest(CLUSTERS))),
    ...kept.map((client) => run(() => client.sendRequest(text))),
  ]
  return {
    async stop() {
      over.abort()
      await Promise.all(loops)
      for (const client of kept) client.close()
      return { statuses }
    },
  }
}

function sendRequest(path: string): Promise<Answer> {
  return send(gate.listener(), path, { headers: { authorization: credential } })
}

/** A stream of ten events, 200 ms apart. */
function openEvents(): Promise<Answer> {
  return send(gate.listener(), EVENTS, {
    method: 'POST',
    headers: { authorization: credential },
    body: JSON.stringify({ stream: true, max_tokens: 10 }),
  })
}

function count(words: string): number {
  return gate.log('lighttpd-error.log').split(words).length - 1
}
