import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sessionIdFrom, sidOf } from '../../sidecar/src/session/session.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, redisCli } from '../harness/commands.ts'
import { auditedRefusal, unauthorized, unavailable } from '../harness/refusals.ts'
import { type MadeSession, makeSession, sealedSeen } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { createVisitor } from '../sign-in/browser.ts'
import { callbackOf, spentKey } from '../sign-in/callbacks.ts'
import { CLUSTERS, epochSeconds, unrevokeAll } from './revoking.ts'

/** Longer ago than a session of the stack may be idle. */
const IDLE_FOR_S = 7200

let stack: StackClient
let keysBefore: ReadonlySet<string>

beforeAll(async () => {
  stack = stackClient(sharedStack())
  keysBefore = new Set(await stack.redis.keys('bg:*'))
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  const left = (await stack.redis.keys('bg:*')).filter((key) => !keysBefore.has(key))
  if (left.length > 0) await stack.redis.del(...left)
  stack.close()
})

const write = (...words: readonly string[]): Promise<string> => redisCli(stack.info, ...words)

/** Waits for an answer of this status; a write needs a moment to reach the workers. */
async function expectStatus(credential: string, status: number): Promise<void> {
  await expect.poll(async () => (await stack.sendAs(credential, CLUSTERS)).status).toBe(status)
}

/** Expects each of some requests to be refused so, and nothing of them at the workspace. */
async function expectRefusal(credential: string, reason: string): Promise<void> {
  await expectStatus(credential, 401)
  await stack.forgetUpstreamRequests()
  for (let requests = 0; requests < 4; requests += 1) {
    const answer = await stack.sendAs(credential, CLUSTERS)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized(reason))
  }
}

describe('a writer of Redis lifts a revocation', () => {
  const LIFTS: readonly (readonly [string, ...string[]])[] = [
    ['DEL', '<key>'],
    ['SET', '<key>', '<now>', 'PX', '20'],
    ['EXPIRE', '<key>', '0'],
    ['RENAME', '<key>', 'bg:elsewhere'],
  ]
  const [wholly, before] = ['anything', String(epochSeconds())]

  it.each([
    ['bg:revoked:token:demo|<jti>', wholly, LIFTS],
    ['bg:revoked:session:<session>', wholly, LIFTS],
    ['bg:revoked:subject:demo|<sub>', before, [...LIFTS, ['SET', '<key>', '0']]],
    ['bg:revoked:client:demo|demo-mint', before, [...LIFTS, ['SET', '<key>', '0']]],
    ['bg:revoked:idp-session:demo|<sid>', before, [...LIFTS, ['SET', '<key>', '0']]],
    ['bg:revoked:issuer:demo', before, [...LIFTS, ['SET', '<key>', '0']]],
    ['bg:revoked:all', before, [...LIFTS, ['SET', '<key>', '0']]],
  ])('a writer of Redis lifts a revocation of the kind %s', async (template, value, lifts) => {
    const { names, credential } = await named(template)
    const key = filledIn(template, names)
    for (const words of lifts) {
      await write('SET', key, value === wholly ? value : String(epochSeconds()), 'EX', '600')
      await expectStatus(credential, 401)
      const all = { ...names, '<key>': key, '<now>': String(epochSeconds()) }
      await write(...words.map((word) => filledIn(word, all)))
      await expectStatus(credential, 200)
    }
  })

  it.each(['token:demo|<jti>', 'session:<session>'])(
    'no value lifts a revocation of the kind %s',
    async (kind) => {
      const { names, credential } = await named(kind)
      const key = filledIn(`bg:revoked:${kind}`, names)
      await write('SET', key, '1', 'EX', '600')
      await expectStatus(credential, 401)
      await write('SET', key, '0', 'EX', '600')
      await expectRefusal(
        credential,
        kind.startsWith('token') ? 'token-revoked' : 'session-revoked',
      )
      await unrevokeAll(stack)
    },
  )

  /** A credential, and what it is named by in keys. */
  async function named(template: string): Promise<{
    credential: string
    names: Readonly<Record<string, string>>
  }> {
    const { id, sid: session } = await makeSession(stack)
    const [sub, jti, sid] = [`s-${randomUUID()}`, randomUUID(), randomUUID()]
    const token = await stack.mint({ sub, jti, sid, groups: ['analysts'] })
    const names = { '<sub>': sub, '<jti>': jti, '<sid>': sid, '<session>': session }
    return { names, credential: template.includes('<session>') ? id : token }
  }
})

describe('a writer of Redis ends a session', () => {
  it.each<[string, readonly string[], string]>([
    ['removes its record', ['DEL', '<record>'], 'session-unknown'],
    ['renames its record', ['RENAME', '<record>', 'bg:elsewhere'], 'session-unknown'],
    ['lets its record end', ['EXPIRE', '<record>', '0'], 'session-unknown'],
    ['writes over its record', ['SET', '<record>', '0'], 'session-unknown'],
    ['revokes it', ['SET', 'bg:revoked:session:<sid>', '0'], 'session-revoked'],
  ])('a session ends when a writer of Redis %s', async (_, words, reason) => {
    const { id, sid } = await makeSession(stack)
    await expectStatus(id, 200)
    const names = { '<record>': `bg:session:${sid}`, '<sid>': sid }
    await write(...words.map((word) => filledIn(word, names)))
    await expectRefusal(id, reason)
  })

  it.each<[string, (sid: string) => readonly string[]]>([
    ['removes its last use', (sid) => ['DEL', `bg:seen:${sid}`]],
    [
      'puts back an earlier use of it',
      (sid) => ['SET', `bg:seen:${sid}`, sealedSeen(stack, sid, epochSeconds() - 2000)],
    ],
  ])('an unread session ends when a writer %s', async (_, words) => {
    const { id, sid } = await longAgo()
    await write('SET', `bg:seen:${sid}`, sealedSeen(stack, sid, epochSeconds() - 60), 'EX', '600')
    await write(...words(sid))
    await expectRefusal(id, 'session-expired')
  })
})

describe('a writer of Redis keeps no idle session alive', () => {
  it.each<[string, (sid: string) => string | Promise<string>]>([
    ['the moment of now', () => String(epochSeconds())],
    ['a moment of the future', () => '9999999999'],
    ['a moment with a made-up seal', () => `${epochSeconds()}.${'A'.repeat(43)}`],
    [
      'its own last use with the moment of now',
      (sid) => sealedSeen(stack, sid, epochSeconds() - IDLE_FOR_S).replace(/^\d+/, nowText),
    ],
    [
      'the last use of another session',
      async () => {
        const { sid } = await makeSession(stack)
        return sealedSeen(stack, sid, epochSeconds())
      },
    ],
    ['its own last use', (sid) => sealedSeen(stack, sid, epochSeconds() - IDLE_FOR_S)],
  ])('no idle session lives on by a key bg:seen that holds %s', async (_, forge) => {
    const { id, sid } = await longAgo()
    await write('SET', `bg:seen:${sid}`, await forge(sid))
    await expectRefusal(id, 'session-expired')
  })

  it('a writer of Redis keeps no idle session alive by a key bg:seen of another session, renamed or of another type', async () => {
    const [used, idle] = [await makeSession(stack), await longAgo()]
    const seen = sealedSeen(stack, used.sid, epochSeconds())
    await write('SET', `bg:seen:${used.sid}`, seen)
    await write('RENAME', `bg:seen:${used.sid}`, `bg:seen:${idle.sid}`)
    await expectRefusal(idle.id, 'session-expired')
    await write('DEL', `bg:seen:${idle.sid}`)
    await write('RPUSH', `bg:seen:${idle.sid}`, String(epochSeconds()))
    await expectRefusal(idle.id, 'session-expired')
  })

  it('a writer of Redis keeps no idle session alive in the lists of `brickgate sessions` either', async () => {
    const principal = { subject: `s-${randomUUID()}` }
    const createdAtSeconds = epochSeconds() - IDLE_FOR_S
    const [idle, used] = [
      await makeSession(stack, { principal, session: { createdAtSeconds } }),
      await makeSession(stack, { principal, session: { createdAtSeconds } }),
    ]
    await write('SET', `bg:seen:${idle.sid}`, String(epochSeconds()))
    await write('SET', `bg:seen:${used.sid}`, sealedSeen(stack, used.sid, epochSeconds()))
    const { stdout } = await brickgate(stack.info, 'sessions', 'list')
    expect(stdout).toContain(used.sid)
    expect(stdout).not.toContain(idle.sid)
  })

  it('a writer of Redis keeps no idle session alive by a lasting record, nor one that has come to its end', async () => {
    const ended = await makeSession(stack, { session: { expiresAtSeconds: epochSeconds() - 1 } })
    for (const { id, sid } of [await longAgo(), ended]) {
      await write('PERSIST', `bg:session:${sid}`)
      await expectRefusal(id, 'session-expired')
    }
  })
})

describe('a writer of Redis makes no session, and crosses no identity', () => {
  let alice: MadeSession
  let bob: MadeSession

  beforeAll(async () => {
    alice = await makeSession(stack)
    bob = await makeSession(stack, { principal: { subject: 'bob' } })
  })

  it('a writer of Redis makes no session, and crosses no identity by a copy of a record under a made-up id', async () => {
    const id = sessionIdFrom(randomBytes(32))
    await write('COPY', `bg:session:${alice.sid}`, `bg:session:${sidOf(id)}`)
    await expectRefusal(id, 'session-unknown')
    await expectStatus(alice.id, 200)
  })

  it('a writer of Redis makes no session, and crosses no identity by the record of another person under the own id', async () => {
    await expectStatus(bob.id, 200)
    await write('COPY', `bg:session:${alice.sid}`, `bg:session:${bob.sid}`, 'REPLACE')
    await expectRefusal(bob.id, 'session-unknown')
    await expectStatus(alice.id, 200)
  })

  it('a writer of Redis makes no session, and crosses no identity by an index that names the session of another person', async () => {
    await write('ZADD', 'bg:subject-sessions:demo|bob', '9999999999', alice.sid)
    const { code, stdout } = await brickgate(
      stack.info,
      ...['sessions', 'list', '--subject', 'demo|bob'],
    )
    expect(code).toBe(0)
    expect(stdout).not.toContain(alice.sid)
    await write('ZREM', 'bg:subject-sessions:demo|bob', alice.sid)
  })

  it('a writer of Redis makes no session, and crosses no identity by removing that a sign-in is spent: the provider takes each code once', async () => {
    const browser = createVisitor(stack)
    const callback = await callbackOf(browser)
    const [signIn] = browser.signIns()
    expect((await browser.load(callback)).status).toBe(303)
    const key = spentKey(callback.searchParams.get('state') ?? '')
    expect(await write('DEL', key)).toBe('1')

    const thief = createVisitor(stack)
    thief.plant(signIn?.name ?? '', signIn?.value ?? '')
    expect((await thief.load(callback)).status).toBe(403)
    expect(thief.sessionId()).toBe('')
  })

  it('a writer of Redis puts back a session that was ended, as it was, where a copy was kept', async () => {
    const { id, sid } = await makeSession(stack)
    await write('RENAME', `bg:session:${sid}`, 'bg:elsewhere')
    await expectRefusal(id, 'session-unknown')
    await write('RENAME', 'bg:elsewhere', `bg:session:${sid}`)
    await expectStatus(id, 200)
  })
})

describe('a writer of Redis who resets bg:state', () => {
  let genuine: string
  let older: string

  beforeAll(async () => {
    genuine = await write('GET', 'bg:state')
    older = await stack.mint({ sub: 'alice', groups: ['analysts'], iat: epochSeconds() - 60 })
  })

  afterEach(async () => {
    await write('SET', 'bg:state', genuine)
    await expectStatus(older, 200)
  })

  it.each([
    ['without it', ['DEL', 'bg:state']],
    ['with a loss of now', ['SET', 'bg:state', `{"id":"made-up","since":${epochSeconds()}}`]],
    ['with what is no state', ['SET', 'bg:state', '0']],
  ])('a reset bg:state (%s) ends access by older tokens until accepted', async (_, words) => {
    await expectStatus(older, 200)
    await write(...words)
    await expectStatus(older, 503)
    await stack.forgetUpstreamRequests()
    const answer = await stack.sendAs(older, CLUSTERS)
    expect(await auditedRefusal(stack, answer)).toEqual(unavailable('state-lost'))
  })

  it('a writer of Redis who resets bg:state takes a loss back, and with it what was lost', async () => {
    await write('SET', 'bg:state', `{"id":"lost","since":${epochSeconds()}}`)
    await expectStatus(older, 503)
    await write('SET', 'bg:state', '{"id":"made-up","since":0}')
    await expectStatus(older, 200)
  })
})

/** A browser's session that was made so long ago that only a later use keeps it from being idle. */
function longAgo(): Promise<MadeSession> {
  const createdAtSeconds = epochSeconds() - IDLE_FOR_S
  return makeSession(stack, { session: { createdAtSeconds } })
}

function filledIn(template: string, names: Readonly<Record<string, string>>): string {
  return template.replace(/<[a-z]+>/, (name) => names[name] ?? name)
}

function nowText(): string {
  return String(epochSeconds())
}
