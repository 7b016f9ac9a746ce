import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EndpointStats, Outage } from '../idp/endpoint-gate.ts'
import type { Answer } from '../stack/answer.ts'
import { type StackClient, stackClient } from '../stack/client.ts'
import { readRefusal, unavailable } from '../stack/refusals.ts'
import { type StackInfo, startStack, stopStack } from '../stack/stack.ts'
import { valuesOf } from '../stack/upstream.ts'
import { createVisitor, type Visitor } from './browser.ts'

const PATH = '/api/2.1/clusters/list'
const LIFETIME_S = 5
/** A token is renewed in the last quarter of its life, which began up to a second before it was got. */
const RENEWED_AFTER_S = LIFETIME_S * 0.75 - 1
const WORKERS = 4
/** How long a session is watched: a minute by `SIGN_IN_SECONDS=60`. */
const WATCHED_S = Number(process.env['SIGN_IN_SECONDS'] ?? 11)
const EVERY_MS = 25

let info: StackInfo
let stack: StackClient

beforeAll(async () => {
  const runtime = { directory: 'sockets', proof_file: 'secrets/proof', workers: WORKERS }
  info = await startStack({ config: { runtime } })
  stack = stackClient(info)
  await stack.idp('POST', 'lifetime', { seconds: LIFETIME_S })
})

beforeEach(async () => {
  await stack.idp('DELETE', 'stats')
  await stack.forgetUpstreamRequests()
})

afterAll(async () => {
  stack.close()
  await stopStack(info)
})

async function signedIn(): Promise<Visitor> {
  const visitor = createVisitor(stack)
  expect((await visitor.signIn('alice')).status).toBe(303)
  return visitor
}

async function tokenRequests(): Promise<number> {
  return ((await stack.idp('GET', 'stats')) as EndpointStats).token
}

function outage(mode: Outage): Promise<unknown> {
  return stack.idp('POST', 'token-outage', { mode })
}

/** Sends a request every 25 ms, whether or not those before are answered. */
async function browse(visitor: Visitor, seconds: number): Promise<readonly Answer[]> {
  const headers = { cookie: visitor.cookies() }
  const endMs = Date.now() + seconds * 1000
  const sent: Promise<Answer>[] = []
  while (Date.now() < endMs) {
    sent.push(stack.send(PATH, { headers }))
    await pause(EVERY_MS)
  }
  return Promise.all(sent)
}

function countByStatus(answers: readonly Answer[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

async function tokensUsed(): Promise<number> {
  const requests = await stack.upstreamRequests()
  return new Set(requests.flatMap((request) => valuesOf(request, 'authorization'))).size
}

describe(`a session whose access token lives ${LIFETIME_S} seconds`, () => {
  it(`goes on for ${WATCHED_S} s without an error, by one refresh an expiry`, async () => {
    const visitor = await signedIn()
    const answers = await browse(visitor, WATCHED_S)

    expect(countByStatus(answers)).toEqual({ 200: answers.length })
    // The first was the code's. A refresh token that is used twice would have ended the session.
    const refreshes = (await tokenRequests()) - 1
    const used = await tokensUsed()
    console.info(`${answers.length} requests, ${refreshes} refreshes, ${used} access tokens`)
    expect(refreshes).toBeGreaterThanOrEqual(Math.floor(WATCHED_S / LIFETIME_S))
    expect(refreshes).toBeLessThanOrEqual(Math.ceil(WATCHED_S / RENEWED_AFTER_S))
    expect([refreshes, refreshes + 1]).toContain(used)
  })

  it('that was idle until its token had ended is refreshed once, while requests wait', async () => {
    const visitor = await signedIn()
    await pause((LIFETIME_S + 0.5) * 1000)
    const headers = { cookie: visitor.cookies() }
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => stack.send(PATH, { headers })),
    )
    expect(countByStatus(answers)).toEqual({ 200: 12 })
    expect(await tokenRequests()).toBe(2)
  })

  it('outlives a provider that is down for ten seconds', async () => {
    const visitor = await signedIn()
    await outage('refuse')
    const during = await browse(visitor, 10)
    await outage('none')

    // Nobody is signed out; what needs a live token waits for one.
    expect(Object.keys(countByStatus(during)).sort()).toEqual(['200', '503'])
    const refused = during.find(({ status }) => status === 503)
    const { upstreamRequests: _, reason: __, ...refusal } = unavailable('')
    expect(refused && readRefusal(refused)).toEqual(refusal)
    const headers = { cookie: visitor.cookies() }
    await expect
      .poll(async () => (await stack.send(PATH, { headers })).status, { timeout: 15_000 })
      .toBe(200)
    expect(countByStatus(await browse(visitor, 3))[503]).toBeUndefined()
  })

  it('is answered in time while the provider hangs', async () => {
    const visitor = await signedIn()
    await outage('hang')
    await pause((LIFETIME_S + 0.2) * 1000)
    const startedMs = Date.now()
    const headers = { cookie: visitor.cookies() }
    const { status } = await stack.send(PATH, { headers })
    expect(status).toBe(503)
    expect(Date.now() - startedMs).toBeLessThan(3000)
    await outage('none')
    await expect
      .poll(async () => (await stack.send(PATH, { headers })).status, { timeout: 20_000 })
      .toBe(200)
  })

  it('ends when the provider says that its grant counts no more', async () => {
    const visitor = await signedIn()
    const headers = { cookie: visitor.cookies() }
    await stack.idp('POST', 'disable', { username: 'alice' })
    try {
      await expect
        .poll(async () => (await stack.send(PATH, { headers })).status, {
          timeout: 10_000,
          interval: 100,
        })
        .toBe(401)
      const page = { ...headers, accept: 'text/html' }
      expect((await stack.send(PATH, { headers: page })).status).toBe(303)
      expect(await stack.redis.keys('bg:lock:*')).toEqual([])
    } finally {
      await stack.idp('POST', 'enable', { username: 'alice' })
    }
  })
})
