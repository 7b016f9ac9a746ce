import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ok, refuse } from '../../src/domain/result.ts'
import { ABSENT, type StoredValue, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { revocationKeys } from '../../src/revocation/revocation-keys.ts'
import {
  createRevocationView,
  type RevocationStore,
  type RevocationView,
} from '../../src/revocation/revocation-view.ts'
import { createStateStores } from '../../src/store/state-stores.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { ALICE, type AnomalyLog, anomalyLog, NOW, SESSION } from '../support/session-fixture.ts'
import { uncachedReader } from '../support/uncached-reader.ts'

const SKEW = 5
const KEYS = revocationKeys(ALICE, SESSION)
const NOT_BEFORE_NAMES = KEYS.filter((key) => key.refuses === 'not-before').map((key) => key.name)
const ALWAYS_NAMES = KEYS.filter((key) => key.refuses === 'always').map((key) => key.name)

let memory: MemoryKeyValues
let log: AnomalyLog
let view: RevocationView

function viewOn(store: RevocationStore): RevocationView {
  return createRevocationView({ store, observer: log, clockSkewSeconds: SKEW })
}

beforeEach(() => {
  memory = createMemoryKeyValues(() => 0)
  memory.set('bg:state', '{"id":"state-1","since":0}')
  log = anomalyLog()
  const stores = createStateStores({
    keyValues: memory,
    reader: uncachedReader(memory),
    observer: log,
    newId: () => 'state-2',
    longestAcceptanceSeconds: 108_000,
  })
  view = viewOn(stores.revocations)
})

const checkToken = (principal = ALICE) => view.check(principal, null, NOW)
const checkSession = (session = SESSION) => view.check(session.principal, session, NOW)

test('a caller who is not revoked passes', async () => {
  expect(await checkToken()).toEqual(ok({ isFromOutage: false }))
  expect(await checkSession()).toEqual(ok({ isFromOutage: false }))
  expect(log.reported).toEqual([])
})

describe('a value under', () => {
  test.each(NOT_BEFORE_NAMES)('%s refuses sign-ins until then, and no later one', async (name) => {
    memory.set(name, String(ALICE.issuedAtSeconds - SKEW))
    expect(await checkToken()).toEqual(refuse('token-revoked'))
    expect(await checkSession()).toEqual(refuse('session-revoked'))
    memory.set(name, String(ALICE.issuedAtSeconds - SKEW - 1))
    expect((await checkToken()).ok).toBe(true)
    expect((await checkSession()).ok).toBe(true)
    await memory.delete(name)
    expect((await checkToken()).ok).toBe(true)
  })

  test.each(ALWAYS_NAMES)('%s refuses whatever it is', async (name) => {
    for (const text of ['', '0', 'no', null]) {
      memory.set(name, text)
      expect(await checkSession()).toEqual(refuse('session-revoked'))
    }
    expect(log.reported).toEqual([`wrong-type ${name}`])
  })

  test.each(NOT_BEFORE_NAMES)('%s that cannot be read refuses and is told', async (name) => {
    memory.set(name, 'yesterday')
    expect(await checkToken()).toEqual(refuse('token-revoked'))
    memory.set(name, null)
    expect(await checkToken()).toEqual(refuse('token-revoked'))
    expect(log.reported).toEqual([`malformed ${name}`, `wrong-type ${name}`])
  })
})

test('a token is judged by its auth_time before its iat', async () => {
  memory.set('bg:revoked:all', String(NOW - 1000))
  expect((await checkToken({ ...ALICE, authTimeSeconds: null })).ok).toBe(true)
  expect((await checkToken({ ...ALICE, authTimeSeconds: NOW - 1000 })).ok).toBe(false)
})

test('a session is judged by its sign-in, whatever its token says', async () => {
  const principal = { ...ALICE, issuedAtSeconds: NOW - 5000, authTimeSeconds: NOW - 5000 }
  memory.set('bg:revoked:subject:okta|00u1alice', String(NOW - 1000))
  expect((await checkSession({ ...SESSION, principal, signInSeconds: NOW - 900 })).ok).toBe(true)
  expect((await checkSession({ ...SESSION, principal, signInSeconds: NOW - 1000 })).ok).toBe(false)
})

test('a session dies with the token it was made from', async () => {
  memory.set('bg:revoked:token:okta|jti-1', '1')
  expect(await checkSession()).toEqual(refuse('session-revoked'))
})

test('a revoked session does not refuse the token of the same person', async () => {
  memory.set(`bg:revoked:session:${SESSION.sid}`, '1')
  expect(await checkSession()).toEqual(refuse('session-revoked'))
  expect((await checkToken()).ok).toBe(true)
})

test('nobody passes while nobody can tell', async () => {
  memory.isDown = true
  expect(await checkToken()).toEqual(refuse('state-unavailable'))
  expect(await checkSession()).toEqual(refuse('state-unavailable'))
})

describe('state loss', () => {
  test.each([
    ['issued before', { issuedAtSeconds: NOW - 101, authTimeSeconds: null }, 'state-lost'],
    ['issued at that moment', { issuedAtSeconds: NOW - 100, authTimeSeconds: null }, 'state-lost'],
    [
      'issued after by less than clocks may differ',
      { issuedAtSeconds: NOW - 100 + SKEW, authTimeSeconds: null },
      'state-lost',
    ],
    ['issued after', { issuedAtSeconds: NOW - 99 + SKEW, authTimeSeconds: null }, null],
    [
      'refreshed after, signed in before',
      { issuedAtSeconds: NOW - 50, authTimeSeconds: NOW - 100 },
      'state-lost',
    ],
    ['signed in after', { issuedAtSeconds: NOW - 50, authTimeSeconds: NOW - 99 + SKEW }, null],
    [
      'issued before, signed in after',
      { issuedAtSeconds: NOW - 100, authTimeSeconds: NOW - 50 },
      'state-lost',
    ],
    ['of no known moment', { issuedAtSeconds: Number.NaN, authTimeSeconds: null }, 'state-lost'],
  ] as const)('a token %s', async (_, times, reason) => {
    memory.set('bg:state', JSON.stringify({ id: 'a', since: NOW - 100 }))
    const outcome = reason === null ? ok({ isFromOutage: false }) : refuse(reason)
    expect(await checkToken({ ...ALICE, ...times })).toEqual(outcome)
  })

  test('a session that was found is not lost', async () => {
    memory.set('bg:state', JSON.stringify({ id: 'a', since: NOW }))
    expect((await checkSession()).ok).toBe(true)
  })

  test('a known revocation stays a revocation, not a loss', async () => {
    memory.set('bg:state', JSON.stringify({ id: 'a', since: NOW }))
    memory.set('bg:revoked:token:okta|jti-1', '1')
    expect(await checkToken()).toEqual(refuse('token-revoked'))
  })

  test('a flush refuses every token until then, and is told', async () => {
    memory.clear()
    expect(await checkToken()).toEqual(refuse('state-lost'))
    expect(log.reported).toEqual(['state-missing bg:state'])
    const later = { ...ALICE, issuedAtSeconds: NOW + SKEW + 1 }
    expect((await view.check(later, null, NOW + SKEW + 1)).ok).toBe(true)
  })
})

describe('any answer of a store', () => {
  const value: fc.Arbitrary<StoredValue> = fc.oneof(
    { weight: 3, arbitrary: fc.constant(ABSENT) },
    fc.constant(WRONG_TYPE),
    fc.string({ unit: 'binary' }).map(storedText),
    fc.nat().map((seconds) => storedText(String(seconds))),
    fc.integer({ min: NOW - 80, max: NOW }).map((seconds) => storedText(String(seconds))),
  )
  const lostBefore = fc.oneof(fc.constant(0), fc.integer({ min: NOW - 80, max: NOW }))

  test('only absence and older moments allow', async () => {
    const storedStates = fc.tuple(
      fc.array(value, { maxLength: KEYS.length }),
      lostBefore,
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(storedStates, async ([values, lostBeforeSeconds, isSession]) => {
        const store = { read: async () => ok({ values, lostBeforeSeconds, isFromOutage: false }) }
        const session = isSession ? SESSION : null
        const outcome = await viewOn(store).check(ALICE, session, NOW)
        if (!outcome.ok) return
        const keys = revocationKeys(ALICE, session)
        expect(keys.every((key, index) => isHarmless(key.refuses, values[index]))).toBe(true)
        expect(isSession || lostBeforeSeconds < ALICE.issuedAtSeconds).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

function isHarmless(rule: 'always' | 'not-before', value: StoredValue | undefined): boolean {
  if (value === undefined) return false
  if (value.kind === 'absent') return true
  if (value.kind === 'wrong-type' || rule === 'always') return false
  return /^[0-9]{1,12}$/.test(value.text) && Number(value.text) < ALICE.issuedAtSeconds - SKEW
}
