import { randomBytes } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  encodeSession,
  type Session,
  sessionIdFrom,
  sidOf,
} from '../../sidecar/src/session/session.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, unauthorized } from '../harness/refusals.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

const PATH = '/api/2.1/clusters/list'

let stack: StackClient
/** the record of a session that works, and what it says */
let record: string
let session: Session
let key: Buffer

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const made = await makeSession(stack)
  session = made.session
  record = (await stack.redis.get(`bg:session:${made.sid}`)) ?? ''
  key = Buffer.from(stackFile(stack.info, 'secrets/session-key').trim(), 'base64url')
  const answer = await stack.sendAs(made.id, PATH)
  if (answer.status !== 200) throw new Error(`the session does not work: ${answer.body}`)
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  await stack.redis.del(`bg:session:${session.sid}`)
  stack.close()
})

type Forge = (sid: string) => string | Promise<string>

describe('a writer to Redis makes no session:', () => {
  it.each<[string, Forge]>([
    ['a record copied from another session', () => record],
    ['a record with a character changed', () => edited(record, record.length - 30)],
    ['a record with its header changed', () => edited(record, 10)],
    ['a record cut short', () => record.slice(0, -4)],
    ['a record with more behind it', () => `${record}.x`],
    ['an empty record', () => ''],
    ['a record written by hand', (sid) => plain(sid)],
    [
      'a record that is only encoded',
      (sid) => `${base64({ alg: 'none' })}.${base64(JSON.parse(plain(sid)))}.`,
    ],
    ['a record under another key', (sid) => encrypted(plain(sid), randomBytes(32))],
    [
      'a record under our key for another purpose',
      (sid) => encrypted(plain(sid), key, 'bg-signin'),
    ],
    [
      'a record under our key that names another session',
      () => encrypted(encodeSession(session), key),
    ],
    [
      'a record under our key with something added',
      (sid) => encrypted(plain(sid, { admin: true }), key),
    ],
    [
      'a record under our key without a principal',
      (sid) => encrypted(plain(sid, { principal: null }), key),
    ],
    [
      'a record under our key of a kind that there is not',
      (sid) => encrypted(plain(sid, { kind: 'administrator' }), key),
    ],
    [
      'a record under our key of a version that knew no kinds',
      (sid) => encrypted(plain(sid, { kind: undefined }), key),
    ],
  ])('a writer to Redis makes no session: %s', async (_, forge) => {
    const id = sessionIdFrom(randomBytes(32))
    await stack.redis.set(`bg:session:${sidOf(id)}`, await forge(sidOf(id)), 'EX', 600)

    const answer = await stack.send(PATH, { headers: { cookie: `__Host-brickgate=${id}` } })
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('session-unknown'))
    await stack.redis.del(`bg:session:${sidOf(id)}`)
  })

  it('a writer to Redis makes no session: a record that is a list', async () => {
    const id = sessionIdFrom(randomBytes(32))
    await stack.redis.rpush(`bg:session:${sidOf(id)}`, record)

    const answer = await stack.sendAs(id, PATH)
    expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('session-unknown'))
    await stack.redis.del(`bg:session:${sidOf(id)}`)
  })

  it('a record with our key and the right name is a session', async () => {
    const id = sessionIdFrom(randomBytes(32))
    const good = await encrypted(plain(sidOf(id)), key)
    await stack.redis.set(`bg:session:${sidOf(id)}`, good, 'EX', 600)

    expect((await stack.sendAs(id, PATH)).status).toBe(200)
    await stack.redis.del(`bg:session:${sidOf(id)}`)
  })
})

function plain(sid: string, change: object = {}): string {
  return JSON.stringify({ ...JSON.parse(encodeSession({ ...session, sid })), ...change })
}

function encrypted(plaintext: string, secret: Uint8Array, typ = 'bg-session'): Promise<string> {
  return new CompactEncrypt(Buffer.from(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ })
    .encrypt(secret)
}

function edited(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
