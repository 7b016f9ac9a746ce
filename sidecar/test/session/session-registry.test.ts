import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { ok, refuse } from '../../src/domain/result.ts'
import { createIdleRule } from '../../src/session/idle-rule.ts'
import type { Session } from '../../src/session/session.ts'
import { sessionIdFrom, sessionKey } from '../../src/session/session-id.ts'
import { createSessionRegistry, type SessionRegistry } from '../../src/session/session-registry.ts'
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
    const sids = held.map(({ sid }) => sid)
    expect(await memory.indexMembers(INDEX)).toEqual(ok(sids))
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
      await memory.indexAdd(INDEX, sid, NOW + 100)
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

it('sessions that are being opened take room until they are open, and no longer', async () => {
  const { indexAdd } = memory
  const releases: (() => void)[] = []
  memory.indexAdd = async (...entry) => {
    await new Promise<void>((resolve) => void releases.push(resolve))
    return indexAdd(...entry)
  }
  const underWay = [registry.open(PROGRAM, NOW), registry.open(PROGRAM, NOW)]
  await expect.poll(() => releases.length).toBe(2)
  const full = refuse('too-many-sessions')
  expect(await registry.open(PROGRAM, NOW)).toEqual(full)
  expect(await registry.open(PROGRAM, NOW)).toEqual(full)
  releases[0]?.()
  const first = await underWay[0]
  expect(await registry.open(PROGRAM, NOW)).toEqual(full)
  releases[1]?.()
  const second = await underWay[1]
  if (first?.ok !== true || second?.ok !== true) throw new Error('were not opened')
  memory.indexAdd = indexAdd
  for (const { session } of [first.value, second.value]) await registry.end(session)
  await Promise.all([opened(), opened()])
})
