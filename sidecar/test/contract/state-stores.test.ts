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
  let bench: KeyValuesUnderTest
  let log: AnomalyLog
  let stores: StateStores
  let ids = 0

  beforeAll(async () => {
    bench = await open()
  })
  afterAll(() => bench.close())
  beforeEach(async () => {
    await bench.clear()
    log = anomalyLog()
    const { keyValues } = bench
    const newId = () => `state-${++ids}`
    stores = createStateStores({
      keyValues,
      reader: uncachedReader(keyValues),
      observer: log,
      newId,
      longestAcceptanceSeconds: LIFETIME,
    })
  })

  const lostSince = async (nowSeconds = NOW): Promise<number | string> => {
    const reading = await stores.revocations.read([], nowSeconds)
    return reading.ok ? reading.value.lostSinceSeconds : reading.reason
  }

  describe('sessions', () => {
    beforeEach(() => initState(bench.keyValues, 'a'))

    test('are found as they were made, and made once', async () => {
      const records = createSessionRecords(bench.keyValues)
      const made = { sid, subject: 'okta|00u1alice', expiresAtSeconds: NOW + 100 }
      expect(await records.create(made, 'first')).toEqual(ok(1))
      expect(await records.create(made, 'second')).toEqual(ok(null))
      expect(await stores.sessions.read(sid, NOW)).toEqual(
        ok({ record: storedText('first'), lostSinceSeconds: 0, isFromOutage: false }),
      )
    })

    test('stay deleted when they are seen afterwards', async () => {
      await bench.set(`bg:session:${sid}`, 'record')
      await bench.delete(`bg:session:${sid}`)
      expect(await stores.sessions.touch(sid, String(NOW), NOW + 100)).toEqual(ok(undefined))
      expect(await stores.sessions.readSeen(sid)).toEqual(ok(storedText(String(NOW))))
      const reading = await stores.sessions.read(sid, NOW)
      expect(reading).toEqual(ok({ record: ABSENT, lostSinceSeconds: 0, isFromOutage: false }))
    })
  })

  describe('a state that is missing', () => {
    test('is a loss from now on, which stays where it was first seen', async () => {
      expect(await lostSince(NOW + 0.1)).toBe(NOW + 1)
      expect(await lostSince(NOW + 60)).toBe(NOW + 1)
      expect(log.told).toEqual(['state-missing bg:state'])
    })

    test('is one loss to all who find it at once', async () => {
      const readings = await Promise.all(Array.from({ length: 20 }, (_, i) => lostSince(NOW + i)))
      expect(new Set(readings).size).toBe(1)
      expect(readings[0]).toBeGreaterThanOrEqual(NOW)
    })

    test('is left to who recorded it first', async () => {
      const racing = {
        ...bench.keyValues,
        create: async (...args: Parameters<typeof bench.keyValues.create>) => {
          await bench.set('bg:state', `{"id":"first","since":${NOW + 5}}`)
          return bench.keyValues.create(...args)
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
        ok({ values: [], lostSinceSeconds: NOW + 5, isFromOutage: false }),
      )
    })

    test('loses the sessions that are not found', async () => {
      const reading = await stores.sessions.read(sid, NOW)
      expect(reading).toEqual(ok({ record: ABSENT, lostSinceSeconds: NOW, isFromOutage: false }))
    })

    test('ends when the tokens of its time have expired', async () => {
      await lostSince()
      expect(await lostSince(NOW + LIFETIME)).toBe(NOW)
      expect(await lostSince(NOW + LIFETIME + 1)).toBe(0)
    })
  })

  describe('a state that cannot be read', () => {
    test.each(WRONG_TYPES)('a %s loses everything and is left alone', async (type) => {
      await bench.setWrongType('bg:state', type)
      expect(await lostSince()).toBe(Number.POSITIVE_INFINITY)
      expect(await bench.keyValues.read(['bg:state'])).toEqual(ok([WRONG_TYPE]))
      expect(log.told).toEqual(['wrong-type bg:state'])
      expect(await acceptState(bench.keyValues, 'b')).toEqual(ok('unreadable'))
    })

    test('so does garbage, until it is deleted and accepted', async () => {
      await bench.set('bg:state', '{"id":"a"}')
      expect(await lostSince()).toBe(Number.POSITIVE_INFINITY)
      expect(log.told).toEqual(['malformed bg:state'])
      expect(await acceptState(bench.keyValues, 'b')).toEqual(ok('unreadable'))
      await bench.delete('bg:state')
      expect(await lostSince()).toBe(NOW)
      expect(await acceptState(bench.keyValues, 'b')).toEqual(ok('accepted'))
      expect(await lostSince()).toBe(0)
    })
  })

  describe('the operations', () => {
    test('init says once that nothing is lost', async () => {
      expect(await initState(bench.keyValues, 'a')).toEqual(ok(true))
      expect(await initState(bench.keyValues, 'b')).toEqual(ok(false))
      expect(await lostSince()).toBe(0)
      expect(await acceptState(bench.keyValues, 'b')).toEqual(ok('nothing-lost'))
    })

    test('init does not hide a loss that was seen', async () => {
      await lostSince()
      expect(await initState(bench.keyValues, 'a')).toEqual(ok(false))
      expect(await lostSince()).toBe(NOW)
    })

    test('accept ends a loss and keeps its id', async () => {
      await lostSince()
      const before = await showState(bench.keyValues)
      expect(await acceptState(bench.keyValues, 'other')).toEqual(ok('accepted'))
      const after = await showState(bench.keyValues)
      expect(after.ok && after.value.record).toEqual({
        id: before.ok && before.value.record?.id,
        sinceSeconds: 0,
      })
    })

    test('accept makes the record of a Redis that nobody asked yet', async () => {
      expect(await acceptState(bench.keyValues, 'a')).toEqual(ok('accepted'))
      expect(await lostSince()).toBe(0)
    })

    test('accept leaves a loss that was recorded meanwhile', async () => {
      await lostSince()
      const racing = {
        ...bench.keyValues,
        read: async (keys: readonly string[]) => {
          const reading = await bench.keyValues.read(keys)
          await bench.set('bg:state', `{"id":"newer","since":${NOW + 5}}`)
          return reading
        },
      }
      expect(await acceptState(racing, 'b')).toEqual(ok('changed'))
      expect(await lostSince()).toBe(NOW + 5)
    })

    test('show changes nothing', async () => {
      expect(await showState(bench.keyValues)).toEqual(ok({ value: ABSENT, record: null }))
      expect(await bench.keyValues.read(['bg:state'])).toEqual(ok([ABSENT]))
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
      await initState(bench.keyValues, 'a')
      const record = await CIPHER.encrypt(encodeSession(session))
      await bench.set(`bg:session:${sid}`, record)
    })

    const judge = async (): Promise<{ token: string; session: string }> => {
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
      expect(await judge()).toEqual({ token: 'allowed', session: 'allowed' })
      await bench.delete(`bg:session:${sid}`)
      expect(await judge()).toEqual({ token: 'allowed', session: 'session-unknown' })
    })

    test.each(revocationKeys(ALICE, null).map((key) => key.name))(
      'SET and DEL of %s',
      async (name) => {
        await bench.set(name, String(NOW))
        expect(await judge()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
        await bench.delete(name)
        expect(await judge()).toEqual({ token: 'allowed', session: 'allowed' })
        await bench.set(name, 'soon')
        expect(await judge()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
      },
    )

    test.each(
      revocationKeys(ALICE, null).flatMap((key) =>
        WRONG_TYPES.map((type) => [key.name, type] as const),
      ),
    )('%s as a %s refuses', async (name, type) => {
      await bench.setWrongType(name, type)
      expect(await judge()).toEqual({ token: 'token-revoked', session: 'session-revoked' })
      expect(log.told).toContain(`wrong-type ${name}`)
    })

    test.each(WRONG_TYPES)('a %s under a session key is no session', async (type) => {
      await bench.setWrongType(`bg:session:${sid}`, type)
      expect((await judge()).session).toBe('session-unknown')
    })

    test('a flush loses everything, and what comes later is accepted', async () => {
      await bench.clear()
      expect(await judge()).toEqual({ token: 'state-lost', session: 'state-lost' })
      await acceptState(bench.keyValues, 'b')
      expect(await judge()).toEqual({ token: 'allowed', session: 'session-unknown' })
    })
  })
})

function reasonOf(result: { ok: true } | ReturnType<typeof refuse>): string {
  return result.ok ? 'allowed' : result.reason
}
