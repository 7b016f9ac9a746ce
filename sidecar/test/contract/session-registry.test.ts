import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { seenKey, sessionKey } from '../../src/domain/redis-keys.ts'
import { ok, refuse } from '../../src/domain/result.ts'
import { ABSENT } from '../../src/domain/stored-value.ts'
import { encodeSession, type Session, sessionIdFrom, sidOf } from '../../src/session/session.ts'
import {
  createSessionRegistry,
  type OpenedSession,
  type SessionDraft,
  type SessionRegistry,
} from '../../src/session/session-registry.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import {
  ALICE,
  type AnomalyLog,
  anomalyLog,
  CIPHER,
  SESSION,
  sealedSeen,
  seenSeal,
} from '../support/session-fixture.ts'
import { IMPLEMENTATIONS, type KeyValuesUnderTest } from './key-values-under-test.ts'

const NOW = Math.floor(Date.now() / 1000)
const IDLE = 1800
const MOST = 10
const SUBJECT = 'okta|00u1alice'
const INDEX = `bg:subject-sessions:${SUBJECT}`

const { sid: _sid, isUseSealed: _mark, ...rest } = SESSION
const DRAFT: SessionDraft = {
  ...rest,
  signInSeconds: NOW,
  createdAtSeconds: NOW,
  expiresAtSeconds: NOW + 28_800,
}

describe.each(IMPLEMENTATIONS)('the session registry in %s', (_, open) => {
  let fixture: KeyValuesUnderTest
  let log: AnomalyLog
  let registry: SessionRegistry
  let isFull: boolean

  beforeAll(async () => {
    fixture = await open()
  })
  afterAll(() => fixture.close())
  beforeEach(async () => {
    await fixture.clear()
    log = anomalyLog()
    isFull = false
    registry = registryFor(500)
  })

  function registryFor(maxPerSubject: number): SessionRegistry {
    return createSessionRegistry({
      records: createSessionRecords(fixture.keyValues, () => isFull),
      cipher: CIPHER,
      observer: log,
      seal: seenSeal(log),
      newId: () => sessionIdFrom(randomBytes(32)),
      maxPerSubject,
      isIdle: createIdleRule(IDLE, () => []),
    })
  }

  async function opened(change: Partial<Session> = {}): Promise<OpenedSession> {
    const made = await registry.open({ ...DRAFT, ...change }, NOW)
    if (!made.ok) throw new Error(made.reason)
    return made.value
  }
  const sidsOf = async (subject = SUBJECT, nowSeconds = NOW): Promise<string[]> => {
    const listed = await registry.list(subject, nowSeconds)
    if (!listed.ok) throw new Error(listed.reason)
    return listed.value.map(({ session }) => session.sid)
  }
  const index = () => fixture.keyValues.indexMembers(INDEX)
  const complete = (...sids: string[]) => ok(sids.map((member) => ({ member, isReserved: false })))

  test('makes a session under a fresh id, encrypted, and notes whose it is', async () => {
    const { id, session } = await opened()
    expect(id).toMatch(/^bgs_[A-Za-z0-9_-]{43}$/)
    expect(session).toEqual({ ...DRAFT, sid: sidOf(id), isUseSealed: true })
    expect(await index()).toEqual(complete(session.sid))
    const [record] = await valuesOf(sessionKey(session.sid))
    const text = record?.kind === 'text' ? record.text : ''
    expect(await CIPHER.decrypt(text)).toBe(encodeSession(session))
    expect((await opened()).id).not.toBe(id)
  })

  test('makes none that has ended, or could not be read again', async () => {
    expect(await registry.open({ ...DRAFT, expiresAtSeconds: NOW }, NOW)).toEqual(
      refuse('session-expired'),
    )
    await expect(registry.open({ ...DRAFT, refreshToken: '' }, NOW)).rejects.toThrow('refreshToken')
    expect(await index()).toEqual(complete())
  })

  test('lists the live sessions of a subject with when they were last seen', async () => {
    const first = await opened({ expiresAtSeconds: NOW + 100 })
    const second = await opened({ expiresAtSeconds: NOW + 200 })
    await opened({ principal: { ...ALICE, subject: 'bob' } })
    for (const [{ session }, seconds] of [
      [second, NOW - 5],
      [first, NOW + 3],
    ] as const) {
      await fixture.set(seenKey(session.sid), sealedSeen(session.sid, seconds))
    }

    expect(await registry.list(SUBJECT, NOW + 10)).toEqual(
      ok([
        { session: first.session, lastSeenSeconds: NOW + 3 },
        { session: second.session, lastSeenSeconds: NOW },
      ]),
    )
    expect(await sidsOf('okta|nobody')).toEqual([])
  })

  test('lists many', async () => {
    const all = await Promise.all(Array.from({ length: 120 }, () => opened()))
    expect((await sidsOf()).sort()).toEqual(all.map(({ session }) => session.sid).sort())
  })

  test('lists none that is over, by time or by disuse', async () => {
    const { session } = await opened({ expiresAtSeconds: NOW + 2 * IDLE })
    const program = await opened({ kind: 'program', expiresAtSeconds: NOW + 2 * IDLE })
    expect(await sidsOf(SUBJECT, NOW + IDLE)).toHaveLength(2)
    expect(await sidsOf(SUBJECT, NOW + IDLE + 1)).toEqual([program.session.sid])
    expect(await sidsOf(SUBJECT, NOW + 2 * IDLE)).toEqual([])
    expect(await registry.find(session.sid, NOW + IDLE + 1)).toEqual(ok(null))
  })

  test('forgets in the index what was deleted behind its back', async () => {
    const [gone, left] = [await opened(), await opened()]
    await fixture.delete(sessionKey(gone.session.sid))
    expect(await sidsOf()).toEqual([left.session.sid])
    expect(await index()).toEqual(complete(left.session.sid))
  })

  test('shows nobody the session of another, whatever the index says', async () => {
    const { session } = await opened({ principal: { ...ALICE, subject: 'bob' } })
    await fixture.keyValues.indexAdd(INDEX, session.sid, NOW + 100, false)
    expect(await sidsOf()).toEqual([])
    expect(await sidsOf('okta|bob')).toEqual([session.sid])
  })

  test('finds a session, and none in what is no record of it', async () => {
    const { session } = await opened()
    expect(await registry.find(session.sid, NOW)).toEqual(ok({ session, lastSeenSeconds: NOW }))
    const other = 'ab'.repeat(32)
    expect(await registry.find(other, NOW)).toEqual(ok(null))
    await fixture.set(sessionKey(other), await CIPHER.encrypt(encodeSession(session)))
    expect(await registry.find(other, NOW)).toEqual(ok(null))
    expect(log.reported).toEqual([`misplaced ${sessionKey(other)}`])
  })

  test('changes the session that was read', async () => {
    const { session } = await opened()
    const after = { ...session, refreshToken: 'refresh-2', accessToken: null }
    expect(await registry.update(session, after)).toEqual(ok(true))
    expect(await registry.find(session.sid, NOW)).toEqual(
      ok({ session: after, lastSeenSeconds: NOW }),
    )
  })

  test('changes none that has changed since', async () => {
    const { session } = await opened()
    const once = { ...session, refreshToken: 'refresh-2' }
    const updates = ['refresh-2', 'refresh-3', 'refresh-4'].map((refreshToken) =>
      registry.update(session, { ...session, refreshToken }),
    )
    const done = await Promise.all(updates)
    expect(done.filter((one) => one.ok && one.value)).toHaveLength(1)
    expect(await registry.update(session, once)).toEqual(ok(false))
  })

  test('brings none back by changing it', async () => {
    const { session } = await opened()
    await registry.end(session)
    expect(await registry.update(session, { ...session, idToken: null })).toEqual(ok(false))
    expect(await valuesOf(sessionKey(session.sid))).toEqual([ABSENT])
  })

  test('makes none while Redis is nearly full; those that exist are found, changed and ended', async () => {
    const { session } = await opened()
    isFull = true
    expect(await registry.open(DRAFT, NOW)).toEqual(refuse('state-full'))
    expect(await index()).toEqual(complete(session.sid))
    const after = { ...session, refreshToken: 'refresh-2' }
    expect(await registry.update(session, after)).toEqual(ok(true))
    expect(await sidsOf()).toEqual([session.sid])
    expect(await registry.end(after)).toEqual(ok(true))
  })

  test.each([
    ['sid', { sid: 'cd'.repeat(32) }],
    ['end', { expiresAtSeconds: NOW + 1 }],
    ['subject', { principal: { ...ALICE, subject: 'bob' } }],
  ])('changes no %s', async (_name, change) => {
    const { session } = await opened()
    await expect(registry.update(session, { ...session, ...change })).rejects.toThrow(RangeError)
  })

  test('ends a session with all that was noted of it, and only that', async () => {
    const [one, other] = [await opened(), await opened()]
    await fixture.set(seenKey(one.session.sid), String(NOW))
    expect(await registry.end(one.session)).toEqual(ok(true))
    expect(await registry.end(one.session)).toEqual(ok(false))
    expect(await valuesOf(sessionKey(one.session.sid), seenKey(one.session.sid))).toEqual([
      ABSENT,
      ABSENT,
    ])
    expect(await index()).toEqual(complete(other.session.sid))
    expect(await sidsOf()).toEqual([other.session.sid])
  })

  test('an index that is none is told of as unavailable, and made anew by the next session', async () => {
    await fixture.set(INDEX, 'x')
    expect(await registry.list(SUBJECT, NOW)).toEqual(refuse('state-unavailable'))
    const { session } = await opened()
    expect(await sidsOf()).toEqual([session.sid])
  })

  test('loses no session from the index that is listed while it is made', async () => {
    const { create, indexRemove, read } = fixture.keyValues
    const made = Promise.withResolvers<void>()
    const looked = Promise.withResolvers<void>()
    let listing: Promise<string[]> | undefined
    vi.spyOn(fixture.keyValues, 'read').mockImplementationOnce(async (keys) => {
      const values = await read(keys)
      looked.resolve()
      return values
    })
    vi.spyOn(fixture.keyValues, 'indexRemove').mockImplementationOnce(async (...entry) => {
      await made.promise
      return indexRemove(...entry)
    })
    vi.spyOn(fixture.keyValues, 'create').mockImplementationOnce(async (...record) => {
      listing = sidsOf()
      await looked.promise
      return create(...record)
    })
    const { session } = await opened()
    made.resolve()
    expect(await listing).toEqual([])
    vi.restoreAllMocks()
    expect(await index()).toEqual(complete(session.sid))
  })

  test('opens as many sessions of a program as a subject may have, however many sidecars ask at once', async () => {
    const sidecars = Array.from({ length: 3 }, () => registryFor(MOST))
    const program = { ...DRAFT, kind: 'program' } as const
    const asked = sidecars.flatMap((sidecar) =>
      Array.from({ length: MOST }, () => sidecar.open(program, NOW)),
    )
    const made = (await Promise.all(asked)).filter((one) => one.ok)
    expect(made).toHaveLength(MOST)
    registry = registryFor(MOST)
    expect(await registry.open(program, NOW)).toEqual(refuse('too-many-sessions'))
    expect(await sidsOf()).toHaveLength(MOST)
    // the limit affects nobody else, not even a browser of the same person
    await opened({ ...program, principal: { ...ALICE, subject: 'bob' } })
    await opened()
    const [first] = made
    if (first?.ok !== true) throw new Error('none was made')
    await registry.end(first.value.session)
    await opened(program)
  })

  test('ends the oldest of a browser when there is one too many, idle ones included', async () => {
    registry = registryFor(MOST)
    const oldest = await opened({ createdAtSeconds: NOW - 2 * IDLE })
    const program = await opened({ kind: 'program', createdAtSeconds: NOW - 3 * IDLE })
    const others = await Promise.all(Array.from({ length: MOST - 1 }, () => opened()))
    const latest = await opened()
    expect(await valuesOf(sessionKey(oldest.session.sid))).toEqual([ABSENT])
    const left = [program, ...others, latest].map(({ session }) => session.sid)
    expect((await sidsOf()).sort()).toEqual(left.sort())
  })

  test('counts no session whose record is gone', async () => {
    registry = registryFor(MOST)
    for (let tries = 0; tries < MOST; tries += 1) {
      const { session } = await opened({ kind: 'program' })
      await fixture.delete(sessionKey(session.sid))
    }
    await opened({ kind: 'program' })
    expect(await sidsOf()).toHaveLength(1)
  })

  async function valuesOf(...keys: string[]) {
    const values = await fixture.keyValues.read(keys)
    if (!values.ok) throw new Error(values.reason)
    return values.value
  }
})
