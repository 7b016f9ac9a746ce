import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { sessionKey } from '../../src/domain/redis-keys.ts'
import { ok, refuse } from '../../src/domain/result.ts'
import { ABSENT } from '../../src/domain/stored-value.ts'
import { type Session, sessionIdFrom, sidOf } from '../../src/session/session.ts'
import { createSessionRegistry, type SessionRegistry } from '../../src/session/session-registry.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import {
  ALICE,
  anomalyLog,
  CIPHER,
  NOW,
  SESSION,
  SESSION_ID,
  seenSeal,
} from '../support/session-fixture.ts'

// The contract suite has what the registry does; here is what it does when something is in the way.

const MOST = 2
const SUBJECT = 'okta|00u1alice'
const INDEX = `bg:subject-sessions:${SUBJECT}`
const UNAVAILABLE = refuse('state-unavailable')
const { sid: _, ...rest } = SESSION
const PROGRAM: Omit<Session, 'sid'> = { ...rest, kind: 'program', createdAtSeconds: NOW }

let memory: MemoryKeyValues
let registry: SessionRegistry
let newId: () => string

beforeEach(() => {
  memory = createMemoryKeyValues(() => NOW)
  newId = () => sessionIdFrom(randomBytes(32))
  registry = createSessionRegistry({
    records: createSessionRecords(memory),
    cipher: CIPHER,
    observer: anomalyLog(),
    seal: seenSeal(anomalyLog()),
    newId: () => newId(),
    maxPerSubject: MOST,
    isIdle: createIdleRule(1800, () => []),
  })
})

async function opened(changes: Partial<Session> = {}): Promise<Session> {
  const made = await registry.open({ ...PROGRAM, ...changes }, NOW)
  if (!made.ok) throw new Error(made.reason)
  return made.value.session
}

describe('while Redis does not answer', () => {
  it('nothing is listed, found or changed', async () => {
    const session = await opened()
    memory.read = async () => UNAVAILABLE
    expect(await registry.list(SUBJECT, NOW)).toEqual(UNAVAILABLE)
    expect(await registry.find(session.sid, NOW)).toEqual(UNAVAILABLE)
    expect(await registry.update(session, session)).toEqual(UNAVAILABLE)
  })

  it('no session is opened that there may be no room for', async () => {
    const held = [await opened({ kind: 'browser' }), await opened({ kind: 'browser' })]
    const { read } = memory
    memory.read = async () => UNAVAILABLE
    expect(await registry.open({ ...PROGRAM, kind: 'browser' }, NOW)).toEqual(UNAVAILABLE)
    memory.read = read
    memory.delete = async () => UNAVAILABLE
    expect(await registry.open({ ...PROGRAM, kind: 'browser' }, NOW)).toEqual(UNAVAILABLE)
    for (const session of held) {
      expect(await registry.find(session.sid, NOW)).toMatchObject({ value: { session } })
    }
  })
})

describe('no room is taken by', () => {
  it('a session that has ended', async () => {
    await opened({ expiresAtSeconds: NOW + 100 })
    await opened({ expiresAtSeconds: NOW + 100 })
    expect(await registry.open(PROGRAM, NOW + 99)).toEqual(refuse('too-many-sessions'))
    expect(await registry.open(PROGRAM, NOW + 100)).toMatchObject({ ok: true })
  })

  it('a record that cannot be opened', async () => {
    const [one] = [await opened(), await opened()]
    memory.set(sessionKey(one.sid), 'garbage')
    expect(await registry.update(one, one)).toEqual(ok(false))
    await opened()
  })

  it('the sessions of another that somebody wrote into the index', async () => {
    const bob = { principal: { ...ALICE, subject: 'bob' } }
    for (const { sid } of [await opened(bob), await opened(bob)]) {
      await memory.indexAdd(INDEX, sid, NOW + 100, false)
    }
    expect(await registry.open(PROGRAM, NOW)).toMatchObject({ ok: true })
  })
})

it('the session that gives way is the one made first, whichever ends first', async () => {
  const browser = { kind: 'browser' } as const
  const young = await opened({ ...browser, expiresAtSeconds: NOW + 100 })
  const old = await opened({ ...browser, createdAtSeconds: NOW - 50, expiresAtSeconds: NOW + 200 })
  await opened(browser)
  expect(await registry.find(old.sid, NOW)).toEqual(ok(null))
  expect(await registry.find(young.sid, NOW)).toMatchObject({ value: { session: young } })
})

it('an id that exists already opens no session', async () => {
  newId = () => SESSION_ID
  const session = await opened()
  const again = await registry.open({ ...PROGRAM, userAgent: 'another' }, NOW)
  expect(again).toEqual(refuse('internal-error'))
  expect(await registry.find(session.sid, NOW)).toMatchObject({ value: { session } })
})

it.each([
  ['whose record', 'create', 1],
  ['whose place', 'indexAdd', 2],
] as const)(
  'a session %s Redis takes too late is neither given out nor kept',
  async (_, command, nth) => {
    const taken = memory[command] as (...operands: unknown[]) => Promise<unknown>
    let calls = 0
    const late = async (...operands: unknown[]) => {
      const result = await taken(...operands)
      return (calls += 1) === nth ? UNAVAILABLE : result
    }
    Object.assign(memory, { [command]: late })
    newId = () => SESSION_ID
    expect(await registry.open(PROGRAM, NOW)).toEqual(UNAVAILABLE)
    expect(await memory.read([sessionKey(sidOf(SESSION_ID)), INDEX])).toEqual(ok([ABSENT, ABSENT]))
  },
)

it('a session beyond the bound leaves nothing in the store', async () => {
  await Promise.all([opened(), opened()])
  const ids: string[] = []
  newId = () => {
    ids.push(sessionIdFrom(randomBytes(32)))
    return ids.at(-1) ?? ''
  }
  const held = await memory.indexMembers(INDEX)
  expect(await registry.open(PROGRAM, NOW)).toEqual(refuse('too-many-sessions'))
  expect(await memory.read(ids.map((id) => sessionKey(sidOf(id))))).toEqual(ok([ABSENT]))
  expect(await memory.indexMembers(INDEX)).toEqual(held)
})
