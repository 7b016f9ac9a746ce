import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ok, type refuse } from '../../src/domain/result.ts'
import { ABSENT, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { revocationKeys } from '../../src/revocation/revocation-keys.ts'
import { createRevocationView } from '../../src/revocation/revocation-view.ts'
import { encodeSession, type Session } from '../../src/session/session.ts'
import { createSessionResolver } from '../../src/session/session-resolver.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import { acceptState, initState, showState } from '../../src/store/state-record.ts'
import { createStateStores, type StateStores } from '../../src/store/state-stores.ts'
import {
  ALICE,
  type AnomalyLog,
  anomalyLog,
  CIPHER,
  SESSION,
  SESSION_ID,
  sessionUse,
} from '../support/session-fixture.ts'
import { uncachedReader } from '../support/uncached-reader.ts'
import { IMPLEMENTATIONS, type KeyValuesUnderTest, WRONG_TYPES } from './key-values-under-test.ts'

const NOW = Math.floor(Date.now() / 1000)
const LIFETIME = 108_000
const { sid } = SESSION

describe.each(IMPLEMENTATIONS)('state stores in %s', (_, open) => {
  let fixture: KeyValuesUnderTest
  let log: AnomalyLog
  let stores: StateStores
  let ids = 0

  beforeAll(async () => {
    fixture = await open()
  })
  afterAll(() => fixture.close())
  beforeEach(async () => {
    await fixture.clear()
    log = anomalyLog()
    const { keyValues } = fixture
    const newId = () => `state-${++ids}`
    stores = createStateStores({
      keyValues,
      reader: uncachedReader(keyValues),
      observer: log,
      newId,
      longestAcceptanceSeconds: LIFETIME,
    })
  })

  const lostBefore = async (nowSeconds = NOW): Promise<number | string> => {
    const reading = await stores.revocations.read([], nowSeconds)
    return reading.ok ? reading.value.lostBeforeSeconds : reading.reason
  }

  describe('sessions', () => {
    beforeEach(() => initState(fixture.keyValues, 'a'))

    test('are found as they were made, and made once', async () => {
      const records = createSessionRecords(fixture.keyValues)
      const made = { sid, subject: 'okta|00u1alice', expiresAtSeconds: NOW + 100 }
      expect(await records.create(made, 'first')).toEqual(ok(1))
      expect(await records.create(made, 'second')).toEqual(ok(null))
      expect(await stores.sessions.read(sid, NOW)).toEqual(
        ok({ record: storedText('first'), lostBeforeSeconds: 0, isFromOutage: false }),
      )
    })

    test('stay deleted when they are seen afterwards', async () => {
      await fixture.set(`bg:session:${sid}`, 'record')
      await fixture.delete(`bg:session:${sid}`)
      expect(await stores.sessions.touch(sid, String(NOW), NOW + 100)).toEqual(ok(undefined))
      expect(await stores.sessions.readSeen(sid)).toEqual(ok(storedText(String(NOW))))
      const reading = await stores.sessions.read(sid, NOW)
      expect(reading).toEqual(ok({ record: ABSENT, lostBeforeSeconds: 0, isFromOutage: false }))
    })
  })

  describe('a state that is missing', () => {
    test('is a loss from now on, which stays where it was first seen', async () => {
      expect(await lostBefore(NOW + 0.1)).toBe(NOW + 1)
      expect(await lostBefore(NOW + 60)).toBe(NOW + 1)
      expect(log.reported).toEqual(['state-missing bg:state'])
    })

    test('is one loss to all who find it at once', async () => {
      const losses = await Promise.all(Array.from({ length: 20 }, (_, i) => lostBefore(NOW + i)))
      expect(new Set(losses).size).toBe(1)
      expect(losses[0]).toBeGreaterThanOrEqual(NOW)
    })

    test('is left to who recorded it first', async () => {
      const racing = {
        ...fixture.keyValues,
        create: async (...args: Parameters<typeof fixture.keyValues.create>) => {
          await fixture.set('bg:state', `{"id":"first","since":${NOW + 5}}`)
          return fixture.keyValues.create(...args)
        },
      }
      const { revocations } = createStateStores({
        keyValues: racing,
        reader: uncachedReader(racing),
        observer: log,
        newId: () => 'second',
        longestAcceptanceSeconds: LIFETIME,
      })
      expect(await revocations.read([], NOW)).toEqual(
        ok({ values: [], lostBeforeSeconds: NOW + 5, isFromOutage: false }),
      )
    })

    test('loses the sessions that are not found', async () => {
      const reading = await stores.sessions.read(sid, NOW)
      expect(reading).toEqual(ok({ record: ABSENT, lostBeforeSeconds: NOW, isFromOutage: false }))
    })

    test('ends when the tokens of its time have expired', async () => {
      await lostBefore()
      expect(await lostBefore(NOW + LIFETIME)).toBe(NOW)
      expect(await lostBefore(NOW + LIFETIME + 1)).toBe(0)
    })
  })

  describe('a state that cannot be read', () => {
    test.each(WRONG_TYPES)('a %s loses everything and is left alone', async (type) => {
      await fixture.setWrongType('bg:state', type)
      expect(await lostBefore()).toBe(Number.POSITIVE_INFINITY)
      expect(await fixture.keyValues.read(['bg:state'])).toEqual(ok([WRONG_TYPE]))
      expect(log.reported).toEqual(['wrong-type bg:state'])
      expect(await acceptState(fixture.keyValues, 'b')).toEqual(ok('unreadable'))
    })

    test('so does garbage, until it is deleted and accepted', async () => {
      await fixture.set('bg:state', '{"id":"a"}')
      expect(await lostBefore()).toBe(Number.POSITIVE_INFINITY)
      expect(log.reported).toEqual(['malformed bg:state'])
      expect(await acceptState(fixture.keyValues, 'b')).toEqual(ok('unreadable'))
      await fixture.delete('bg:state')
      expect(await lostBefore()).toBe(NOW)
      expect(await acceptState(fixture.keyValues, 'b')).toEqual(ok('accepted'))
      expect(await lostBefore()).toBe(0)
    })
  })

  describe('the operations', () => {
    test('init says once that nothing is lost', async () => {
      expect(await initState(fixture.keyValues, 'a')).toEqual(ok(true))
      expect(await initState(fixture.keyValues, 'b')).toEqual(ok(false))
      expect(await lostBefore()).toBe(0)
      expect(await acceptState(fixture.keyValues, 'b')).toEqual(ok('nothing-lost'))
    })

    test('init does not hide a loss that was seen', async () => {
      await lostBefore()
      expect(await initState(fixture.keyValues, 'a')).toEqual(ok(false))
      expect(await lostBefore()).toBe(NOW)
    })

    test('accept ends a loss and keeps its id', async () => {
      await lostBefore()
      const before = await showState(fixture.keyValues)
      expect(await acceptState(fixture.keyValues, 'other')).toEqual(ok('accepted'))
      const after = await showState(fixture.keyValues)
      expect(after.ok && after.value.record).toEqual({
        id: before.ok && before.value.record?.id,
        sinceSeconds: 0,
      })
    })

    test('accept makes the record of a Redis that nobody asked yet', async () => {
      expect(await acceptState(fixture.keyValues, 'a')).toEqual(ok('accepted'))
      expect(await lostBefore()).toBe(0)
    })

    test('accept leaves a loss that was recorded meanwhile', async () => {
      await lostBefore()
      const racing = {
        ...fixture.keyValues,
        read: async (keys: readonly string[]) => {
          const reading = await fixture.keyValues.read(keys)
          await fixture.set('bg:state', `{"id":"newer","since":${NOW + 5}}`)
          return reading
        },
      }
      expect(await acceptState(racing, 'b')).toEqual(ok('changed'))
      expect(await lostBefore()).toBe(NOW + 5)
    })

    test('show changes nothing', async () => {
      expect(await showState(fixture.keyValues)).toEqual(ok({ value: ABSENT, record: null }))
      expect(await fixture.keyValues.read(['bg:state'])).toEqual(ok([ABSENT]))
    })
  })

  describe('values that an operator writes', () => {
    const session: Session = {
      ...SESSION,
      signInSeconds: NOW - 60,
      createdAtSeconds: NOW - 60,
      expiresAtSeconds: NOW + 1000,
    }
    const principal = { ...ALICE, issuedAtSeconds: NOW - 60 }

    beforeEach(async () => {
      await initState(fixture.keyValues, 'a')
      const record = await CIPHER.encrypt(encodeSession(session))
      await fixture.set(`bg:session:${sid}`, record)
    })

    const check = async (): Promise<{ token: string; session: string }> => {
      const view = createRevocationView({
        store: stores.revocations,
        observer: log,
        clockSkewSeconds: 5,
      })
      const resolver = createSessionResolver({
        store: stores.sessions,
        cipher: CIPHER,
        observer: log,
        use: sessionUse(stores.sessions, log, { idleSeconds: 1800 }),
        idleTimeoutSeconds: 1800,
        anyTier: false,
      })
      const token = await view.check(principal, null, NOW)
      const found = await resolver.resolve(SESSION_ID, 'internal', NOW)
      const standing = found.ok ? await view.check(principal, found.value, NOW) : found
      return { token: reasonOf(token), session: reasonOf(standing) }
    }

    test('decides the next request: DEL of a session ends it', async () => {
      expect(await check()).toEqual({ token: 'allowed', session: 'allowed' })
      await fixture.delete(`bg:session:${sid}`)
      expect(await check()).toEqual({ token: 'allowed', session: 'session-unknown' })
    })

    test.each(revocationKeys(ALICE, null).map((key) => key.name))(
      'SET and DEL of %s',
      async (name) => {
        await fixture.set(name, String(NOW))
        expect(await check()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
        await fixture.delete(name)
        expect(await check()).toEqual({ token: 'allowed', session: 'allowed' })
        await fixture.set(name, 'soon')
        expect(await check()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
      },
    )

    test.each(
      revocationKeys(ALICE, null).flatMap((key) =>
        WRONG_TYPES.map((type) => [key.name, type] as const),
      ),
    )('%s as a %s refuses', async (name, type) => {
      await fixture.setWrongType(name, type)
      expect(await check()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
      expect(log.reported).toContain(`wrong-type ${name}`)
    })

    test.each(WRONG_TYPES)('a %s under a session key is no session', async (type) => {
      await fixture.setWrongType(`bg:session:${sid}`, type)
      expect((await check()).session).toBe('session-unknown')
    })

    test('a flush loses everything, and what comes later is accepted', async () => {
      await fixture.clear()
      expect(await check()).toEqual({ token: 'state-lost', session: 'state-lost' })
      await acceptState(fixture.keyValues, 'b')
      expect(await check()).toEqual({ token: 'allowed', session: 'session-unknown' })
    })
  })
})

function reasonOf(result: { ok: true } | ReturnType<typeof refuse>): string {
  return result.ok ? 'allowed' : result.reason
}
