import { beforeEach, describe, expect, test } from 'vitest'
import { seenKey, sessionKey } from '../../src/domain/redis-keys.ts'
import { refuse } from '../../src/domain/result.ts'
import type { Outage } from '../../src/session/outage.ts'
import { createRecordCipher, type RecordCipher } from '../../src/session/record-cipher.ts'
import { encodeSession, type Session, sidOf } from '../../src/session/session.ts'
import { createSessionResolver, type SessionResolver } from '../../src/session/session-resolver.ts'
import type { SessionUse } from '../../src/session/session-use.ts'
import { createStateStores } from '../../src/store/state-stores.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import {
  type AnomalyLog,
  anomalyLog,
  CIPHER,
  NOW,
  OTHER_SESSION_ID,
  SESSION,
  SESSION_ID,
  sealedSeen,
  sessionUse,
} from '../support/session-fixture.ts'
import { uncachedReader } from '../support/uncached-reader.ts'

const IDLE_SECONDS = 1800
const { sid } = SESSION

let memory: MemoryKeyValues
let log: AnomalyLog
let resolver: SessionResolver
let use: SessionUse
let outages: readonly Outage[]

interface ResolverOptions {
  cipher?: RecordCipher
  anyTier?: boolean
  idleSeconds?: number
}

function resolverWith({
  idleSeconds = IDLE_SECONDS,
  ...options
}: ResolverOptions): SessionResolver {
  const stores = createStateStores({
    keyValues: memory,
    reader: uncachedReader(memory),
    observer: log,
    newId: () => 'state-2',
    longestAcceptanceSeconds: 108_000,
  })
  use = sessionUse(stores.sessions, log, { idleSeconds, outages: () => outages })
  return createSessionResolver({
    store: stores.sessions,
    use,
    cipher: CIPHER,
    observer: log,
    idleTimeoutSeconds: idleSeconds,
    anyTier: false,
    ...options,
  })
}

async function put(session: Session, at = sessionKey(session.sid)): Promise<void> {
  memory.set(at, await CIPHER.encrypt(encodeSession(session)))
}

beforeEach(async () => {
  memory = createMemoryKeyValues(() => 0)
  memory.set('bg:state', '{"id":"state-1","since":0}')
  log = anomalyLog()
  outages = []
  resolver = resolverWith({})
  await put(SESSION)
})

const resolve = (id = SESSION_ID, nowSeconds = NOW) => resolver.resolve(id, 'internal', nowSeconds)

describe('a session', () => {
  test('is what its record says', async () => {
    expect(await resolve()).toEqual({ ok: true, value: SESSION })
    expect(log.reported).toEqual([])
  })

  test('ends with its record', async () => {
    await memory.delete(sessionKey(sid))
    expect(await resolve()).toEqual(refuse('session-unknown'))
  })

  test('that was never there is unknown', async () => {
    expect(await resolve(OTHER_SESSION_ID)).toEqual(refuse('session-unknown'))
  })

  test('is told of as unavailable while nobody can look', async () => {
    memory.isDown = true
    expect(await resolve()).toEqual(refuse('state-unavailable'))
  })

  test('outlives a rotation of keys, and ends with its key', async () => {
    const next = new Uint8Array(32).fill(9)
    resolver = resolverWith({ cipher: createRecordCipher([next, new Uint8Array(32).fill(1)]) })
    expect((await resolve()).ok).toBe(true)
    resolver = resolverWith({ cipher: createRecordCipher([next]) })
    expect(await resolve()).toEqual(refuse('session-unknown'))
    expect(log.reported).toEqual([`undecryptable ${sessionKey(sid)}`])
  })
})

describe('state loss', () => {
  test('a session that is not found is lost, not unknown', async () => {
    memory.clear()
    expect(await resolve()).toEqual(refuse('state-lost'))
  })

  test('a session made since then is found', async () => {
    memory.set('bg:state', JSON.stringify({ id: 'x', since: NOW }))
    expect((await resolve()).ok).toBe(true)
  })

  test.each([
    ['of another type', null],
    ['that cannot be read', 'OK'],
  ])('a state %s loses what is not found', async (_, text) => {
    memory.set('bg:state', text)
    expect(await resolve(OTHER_SESSION_ID)).toEqual(refuse('state-lost'))
  })
})

describe('a record that somebody without our key wrote grants nothing:', () => {
  const otherSid = sidOf(OTHER_SESSION_ID)

  test('a copy under another id', async () => {
    await put(SESSION, sessionKey(otherSid))
    expect(await resolve(OTHER_SESSION_ID)).toEqual(refuse('session-unknown'))
    expect(log.reported).toEqual([`misplaced ${sessionKey(otherSid)}`])
  })

  test('plain JSON', async () => {
    memory.set(sessionKey(otherSid), encodeSession({ ...SESSION, sid: otherSid }))
    expect(await resolve(OTHER_SESSION_ID)).toEqual(refuse('session-unknown'))
    expect(log.reported).toEqual([`undecryptable ${sessionKey(otherSid)}`])
  })

  test('a record of an unknown key', async () => {
    const stranger = createRecordCipher([new Uint8Array(32).fill(66)])
    memory.set(sessionKey(sid), await stranger.encrypt(encodeSession(SESSION)))
    expect(await resolve()).toEqual(refuse('session-unknown'))
  })

  test('an edited one', async () => {
    const record = await CIPHER.encrypt(encodeSession(SESSION))
    memory.set(
      sessionKey(sid),
      record.replace(/.(?=[^.]{20}$)/, (c) => (c === 'A' ? 'B' : 'A')),
    )
    expect(await resolve()).toEqual(refuse('session-unknown'))
  })

  test.each([
    ['', 'undecryptable'],
    ['__proto__', 'undecryptable'],
    ['1', 'undecryptable'],
    [null, 'wrong-type'],
  ])('the value %j', async (text, kind) => {
    memory.set(sessionKey(sid), text)
    expect(await resolve()).toEqual(refuse('session-unknown'))
    expect(log.reported).toEqual([`${kind} ${sessionKey(sid)}`])
  })

  test('and what we encrypted ourselves, but no session', async () => {
    memory.set(sessionKey(sid), await CIPHER.encrypt('{"sid":"x"}'))
    expect(await resolve()).toEqual(refuse('session-unknown'))
    expect(log.reported).toEqual([`malformed ${sessionKey(sid)}`])
  })
})

describe('expiry', () => {
  test('absolute, whatever its use', async () => {
    memory.set(seenKey(sid), sealedSeen(sid, SESSION.expiresAtSeconds - 1))
    expect((await resolve(SESSION_ID, SESSION.expiresAtSeconds - 1)).ok).toBe(true)
    expect(await resolve(SESSION_ID, SESSION.expiresAtSeconds)).toEqual(refuse('session-expired'))
  })

  test.each([
    ['it was made', null, SESSION.createdAtSeconds],
    ['it was last seen', sealedSeen(sid, NOW + 1000), NOW + 1000],
  ])('idle since %s', async (_, seen, usedAtSeconds) => {
    if (seen !== null) memory.set(seenKey(sid), seen)
    expect(await resolve(SESSION_ID, usedAtSeconds + IDLE_SECONDS + 1)).toEqual(
      refuse('session-expired'),
    )
    expect((await resolve(SESSION_ID, usedAtSeconds + IDLE_SECONDS)).ok).toBe(true)
  })

  test('of a program only absolute: it ends with the token it was made from', async () => {
    await put({ ...SESSION, kind: 'program' })
    expect((await resolve(SESSION_ID, SESSION.expiresAtSeconds - 1)).ok).toBe(true)
    expect(await resolve(SESSION_ID, SESSION.expiresAtSeconds)).toEqual(refuse('session-expired'))
  })

  test('is not judged while the last use cannot be read: the session is unavailable until then', async () => {
    const { read } = memory
    memory.read = async (keys) =>
      keys.includes(seenKey(sid)) ? refuse('state-unavailable') : read(keys)
    const idle = SESSION.createdAtSeconds + IDLE_SECONDS + 1
    expect(await resolve(SESSION_ID, idle)).toEqual(refuse('state-unavailable'))
    memory.read = read
    expect(await resolve(SESSION_ID, idle)).toEqual(refuse('session-expired'))
  })

  test.each([
    [null, 'wrong-type'],
    ['', 'malformed'],
    ['1e12', 'malformed'],
    ['-1', 'malformed'],
    [`${NOW + 3000}\n`, 'malformed'],
    ['NaN', 'malformed'],
    ['9999999999999', 'malformed'],
    ['0x7fffffff', 'malformed'],
    [String(NOW + 3000), 'malformed'],
    [sealedSeen(SESSION.sid, NOW + 3000).replace('.', '..'), 'malformed'],
    [`${NOW + 3000}.${'A'.repeat(43)}`, 'unsealed'],
    [sealedSeen(SESSION.sid, NOW).replace(String(NOW), String(NOW + 3000)), 'unsealed'],
    [sealedSeen(sidOf(OTHER_SESSION_ID), NOW + 3000), 'unsealed'],
    [sealedSeen(SESSION.sid, 999_999_999_999), null],
    [sealedSeen(SESSION.sid, NOW + 3000 + 30), null],
    [sealedSeen(SESSION.sid, NOW), null],
  ])('the last-seen value %j keeps nothing alive', async (text, kind) => {
    memory.set(seenKey(sid), text)
    expect(await resolve(SESSION_ID, NOW + 3000)).toEqual(refuse('session-expired'))
    expect(log.reported).toEqual(kind === null ? [] : [`${kind} ${seenKey(sid)}`])
  })
})

describe('tiers', () => {
  test('a session counts where it was made', async () => {
    expect(await resolver.resolve(SESSION_ID, 'external', NOW)).toEqual(
      refuse('session-wrong-tier'),
    )
  })

  test('and elsewhere when the configuration says so', async () => {
    resolver = resolverWith({ anyTier: true })
    expect((await resolver.resolve(SESSION_ID, 'external', NOW)).ok).toBe(true)
  })
})
