import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, redisCli } from '../harness/commands.ts'
import { type MadeSession, makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'

interface Program {
  readonly token: string
  readonly sid: string
}

let stack: StackClient
let parent: string
let program: Program
let browser: MadeSession
let refreshToken: string
let idToken: string
/** key → its value as text, whatever its type, of everything that is in Redis */
let dump: ReadonlyMap<string, string>

beforeAll(async () => {
  stack = stackClient(sharedStack())
  parent = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  idToken = await stack.mint({ sub: 'alice', aud: 'brickgate-signin' })
  refreshToken = `refresh-${randomUUID()}`
  const answer = await stack.sendAs(parent, '/_brickgate/sessions', {
    method: 'POST',
    headers: { 'content-length': '0' },
  })
  program = JSON.parse(answer.body) as Program
  const used = { createdAtSeconds: Math.floor(Date.now() / 1000) - 600 } // long enough to be noted
  browser = await makeSession(stack, { session: { refreshToken, idToken, ...used } })
  for (const credential of [program.token, browser.id]) {
    expect((await stack.sendAs(credential, CLUSTERS)).status).toBe(200)
  }
  await brickgate(stack.info, 'revoke', 'token', 'demo|somebody-elses')
  await vi.waitFor(async () => {
    expect(await stack.redis.exists(`bg:seen:${browser.sid}`)).toBe(1)
  })
  dump = await dumpOf()
})

afterAll(async () => {
  const sids = [program.sid, browser.sid]
  const keys = sids.flatMap((sid) => [`bg:session:${sid}`, `bg:seen:${sid}`])
  await stack.redis.del(...keys, 'bg:revoked:token:demo|somebody-elses')
  stack.close()
})

describe('a reader of all of Redis', () => {
  it('a reader of all of Redis finds every kind of key that sessions and revocations make', () => {
    const keys = [...dump.keys()]
    for (const sid of [program.sid, browser.sid]) expect(keys).toContain(`bg:session:${sid}`)
    expect(keys).toContain(`bg:seen:${browser.sid}`)
    expect(keys).toContain('bg:subject-sessions:demo|alice')
    expect(keys).toContain('bg:revoked:token:demo|somebody-elses')
    expect(keys).toContain('bg:state')
  })

  it('a reader of all of Redis finds no id of a session, token or secret, in keys, values or the file on disk', () => {
    const access = browser.session.accessToken?.token ?? ''
    const secrets = {
      'the token of a program': program.token,
      'the id of a browser’s session': browser.id,
      ...parts('the token that a session was made from', parent),
      ...parts('the access token', access),
      ...parts('the id token', idToken),
      'the refresh token': refreshToken,
      ...Object.fromEntries(
        ['session-key', 'proof', 'workspace-token'].map((name) => [
          name,
          stackFile(stack.info, `secrets/${name}`).trim(),
        ]),
      ),
    }
    const inMemory = [...dump].flat().join('\n')
    for (const text of [inMemory, onDisk()]) {
      expect(text).toContain(program.sid)
      for (const [name, secret] of Object.entries(secrets)) {
        expect(secret.length, name).toBeGreaterThan(20)
        for (const spelling of spellings(secret)) expect(text.includes(spelling), name).toBe(false)
      }
    }
    // the beginning of every session's token; within a ciphertext it may come about by chance
    expect(inMemory).not.toMatch(/(?<![\w-])bgs_/)
    expect(inMemory).not.toMatch(/eyJ[\w-]+\.eyJ/) // the beginning of every signed token
  })

  it('a reader of all of Redis finds nothing that works as a credential', async () => {
    const found = new Set(
      [...dump]
        .filter(([key]) => /^bg:(session|seen|subject-sessions|revoked):/.test(key))
        .filter(([key, value]) =>
          [program.sid, browser.sid].some((sid) => `${key}${value}`.includes(sid)),
        )
        .flatMap((entry) => entry.join('\n').match(/[\w.~+/-]{10,}/g) ?? []),
    )
    expect(found.size).toBeGreaterThan(4)
    for (const text of found) {
      for (const credential of [text, `bgs_${text}`.slice(0, 47), ...text.split('.')]) {
        if (credential === '') continue
        const { status } = await stack.sendAs(credential, CLUSTERS)
        expect([400, 401], credential).toContain(status)
      }
    }
  })
})

describe('a writer to Redis grants nothing', () => {
  it('a writer to Redis grants nothing by changing two records for each other', async () => {
    const keys = [program.sid, browser.sid].map((sid) => `bg:session:${sid}`)
    const [own = '', other = ''] = await Promise.all(keys.map((key) => stack.redis.get(key)))
    const [a = '', b = ''] = keys
    await stack.redis.set(a, String(other), 'KEEPTTL')
    await stack.redis.set(b, String(own), 'KEEPTTL')
    for (const credential of [program.token, browser.id]) {
      await expect.poll(() => statusOf(credential)).toBe(401)
    }
    await stack.redis.set(a, String(own), 'KEEPTTL')
    await stack.redis.set(b, String(other), 'KEEPTTL')
    await expect.poll(() => statusOf(program.token)).toBe(200)
  })

  it('a writer to Redis grants nothing by an index that names a session, or a note that one was seen', async () => {
    const sid = randomBytes(32).toString('hex')
    await stack.redis.zadd('bg:subject-sessions:demo|alice', '9999999999', sid)
    await stack.redis.set(`bg:seen:${sid}`, String(Math.floor(Date.now() / 1000)), 'EX', 60)
    expect(await statusOf(`bgs_${sid.slice(0, 43)}`)).toBe(401)
    const { stdout } = await brickgate(stack.info, 'sessions', 'list', '--subject', 'demo|alice')
    expect(stdout).not.toContain(sid)
  })

  const statusOf = async (credential: string): Promise<number> =>
    (await stack.sendAs(credential, CLUSTERS)).status
})

const READ: Readonly<Record<string, (key: string) => readonly string[]>> = {
  string: (key) => ['GET', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  set: (key) => ['SMEMBERS', key],
  stream: (key) => ['XRANGE', key, '-', '+'],
}

async function dumpOf(): Promise<ReadonlyMap<string, string>> {
  const keys = (await redisCli(stack.info, '--scan')).split('\n')
  const entries = await Promise.all(
    keys.map(async (key): Promise<readonly (readonly [string, string])[]> => {
      const type = await stack.redis.type(key)
      if (type === 'none') return [] // it has ended meanwhile, as heartbeats do
      const command = READ[type]
      if (command === undefined) throw new Error(`${key} has a type that is not looked into`)
      return [[key, await redisCli(stack.info, ...command(key))]]
    }),
  )
  return new Map(entries.flat())
}

/** The append-only file of Redis, with values that were deleted since. */
function onDisk(): string {
  const directory = join(stack.info.demo.directory, 'redis/appendonlydir')
  const files = readdirSync(directory).filter((name) => name.endsWith('.aof'))
  return files.map((name) => readFileSync(join(directory, name), 'latin1')).join('\n')
}

/** A token as a whole, and each part that alone would be worth something. */
function parts(name: string, token: string): Record<string, string> {
  const [, payload = '', signature = ''] = token.split('.')
  return {
    [name]: token,
    [`the payload of ${name}`]: payload,
    [`its signature (${name})`]: signature,
  }
}

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ]
}
