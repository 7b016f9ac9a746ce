import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EndpointStats, Outage } from '../../demo/idp/endpoint-gate.ts'
import type { Answer } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sidecarLog } from '../harness/processes.ts'
import { readRefusal, unavailable } from '../harness/refusals.ts'
import { reloadWith } from '../harness/reload.ts'
import { type StackInfo, startStack, stopStack } from '../harness/stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { createVisitor, readSession, type Visitor } from './browser.ts'
import { pageOf } from './callbacks.ts'

const PATH = '/api/2.1/clusters/list'
const LIFETIME_S = 5
/** A token is renewed in the last quarter of its life, which begins up to 1 s before receipt. */
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
  const groups = Object.entries(Object.groupBy(answers, ({ status }) => status))
  return Object.fromEntries(groups.map(([status, group]) => [status, group?.length ?? 0]))
}

async function tokensUsed(): Promise<number> {
  const requests = await stack.upstreamRequests()
  return new Set(requests.flatMap((request) => valuesOf(request, 'authorization'))).size
}

describe(`a session whose access token lives ${LIFETIME_S} seconds`, () => {
  it(`a session with a short-lived access token goes on for ${WATCHED_S} s without an error, by one refresh an expiry`, async () => {
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

  it('a session with a short-lived access token that was idle until its token had ended is refreshed once, while requests wait', async () => {
    const visitor = await signedIn()
    await pause((LIFETIME_S + 0.5) * 1000)
    const headers = { cookie: visitor.cookies() }
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => stack.send(PATH, { headers })),
    )
    expect(countByStatus(answers)).toEqual({ 200: 12 })
    expect(await tokenRequests()).toBe(2)
  })

  it('a session with a short-lived access token outlives a provider that is down for ten seconds', async () => {
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

  it('a session with a short-lived access token is answered in time while the provider hangs', async () => {
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

  it('a session with a short-lived access token is refused by the id of the access token that a refresh brought, too', async () => {
    const visitor = await signedIn()
    const headers = { cookie: visitor.cookies() }
    const statusOf = async () => (await stack.send(PATH, { headers })).status
    const first = (await readSession(stack, visitor.sid())).principal.tokenId
    const current = async () => {
      expect(await statusOf()).toBe(200)
      return (await readSession(stack, visitor.sid())).accessToken?.tokenId
    }
    await expect.poll(current, { timeout: 10_000, interval: 100 }).not.toBe(first)
    await stack.redis.set(`bg:revoked:token:demo|${await current()}`, '1', 'EX', 60)
    await expect.poll(statusOf, { timeout: 3000, interval: 20 }).toBe(401)
  })

  it('a session with a short-lived access token ends when the provider says that its grant counts no more', async () => {
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

describe('made-up codes', () => {
  it('made-up codes of one address reach the provider some twenty times, and honest people sign in again at once', async () => {
    const madeUp = async (): Promise<number> => {
      const visitor = createVisitor(stack)
      const begun = await visitor.load(`${visitor.home}/_brickgate/sign-in`)
      const state = visitor.redirectOf(begun).searchParams.get('state') ?? ''
      const query = new URLSearchParams({ state, code: 'made-up', iss: issuerOf(stack) })
      const callback = `${visitor.home}/_brickgate/callback?${query.toString()}`
      return (await visitor.load(callback)).status
    }
    const startedMs = Date.now()
    const statuses = await Promise.all(Array.from({ length: 60 }, madeUp))
    const grown = (Date.now() - startedMs) / 1000
    expect(await tokenRequests()).toBeLessThanOrEqual(20 + Math.ceil(grown))
    expect(new Set(statuses)).toEqual(new Set([403, 429]))
    await expect
      .poll(async () => (await createVisitor(stack).signIn('alice')).status, { timeout: 10_000 })
      .toBe(303)
  })

  it('made-up codes without a sign-in that was begun never reach the provider', async () => {
    const visitor = createVisitor(stack)
    for (let count = 0; count < 50; count += 1) {
      const state = randomBytes(32).toString('base64url')
      const query = new URLSearchParams({ state, code: 'made-up', iss: issuerOf(stack) })
      const callback = `${visitor.home}/_brickgate/callback?${query.toString()}`
      expect((await visitor.load(callback)).status).toBe(400)
    }
    expect(await tokenRequests()).toBe(0)
  })
})

describe('sign-ins that are only begun', () => {
  it('sign-ins that are only begun leave no trace in Redis, however many', async () => {
    const before = new Set(await stack.redis.keys('*'))
    const begin = () => stack.send('/_brickgate/sign-in', { headers: { host: hostOf(stack) } })
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 30 }, begin))
      expect(countByStatus(answers)).toEqual({ 303: 30 })
    }
    const made = (await stack.redis.keys('*')).filter((key) => !before.has(key))
    expect(made.filter((key) => !key.endsWith(':heartbeat'))).toEqual([])
  })
})

describe('where the access token goes to the workspace and is for another audience', () => {
  beforeAll(() =>
    reloadWith(stack, 'brickgate.yaml', (config) => {
      const [issuer] = config['issuers'] as readonly object[]
      return { ...config, issuers: [{ ...issuer, audiences: ['api://elsewhere'] }] }
    }),
  )

  it('where the access token is for another audience, a sign-in fails, and says why to the person and in the log', async () => {
    // the responder may take up the configuration later than the authorizers
    const [visitor, response] = await vi.waitFor(async () => {
      const visitor = createVisitor(stack)
      const response = await visitor.signIn('alice')
      expect(response.status).toBe(403)
      return [visitor, response] as const
    }, 10_000)
    expect(await pageOf(response)).toContain('gave no access token that the workspace takes')
    expect(visitor.sessionId()).toBe('')
    const report = { msg: 'the tokens of a sign-in were not accepted', reason: 'wrong-audience' }
    await expect
      .poll(() => sidecarLog(info))
      .toContainEqual(expect.objectContaining(report) as object)
  })
})

function issuerOf({ info }: StackClient): string {
  return info.config.issuers[0].issuer
}

function hostOf({ info }: StackClient): string {
  return new URL(info.config.tiers.internal.public_url).host
}
