import { beforeEach, describe, expect, test } from 'vitest'
import { seenKey, sessionKey } from '../../src/domain/redis-keys.ts'
import { refuse } from '../../src/domain/result.ts'
import type { Outage } from '../../src/session/outage.ts'
import type { RecordCipher } from '../../src/session/record-cipher.ts'
import { encodeSession, type Session } from '../../src/session/session.ts'
import { createSessionResolver, type SessionResolver } from '../../src/session/session-resolver.ts'
import type { SessionUse } from '../../src/session/session-use.ts'
import { createStateStores } from '../../src/store/state-stores.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import {
  type AnomalyLog,
  anomalyLog,
  CIPHER,
  NOW,
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

async function seenAfterTurn(): Promise<string | null> {
  await new Promise(setImmediate)
  const reading = await memory.read([seenKey(sid)])
  const value = reading.ok ? reading.value[0] : undefined
  return value?.kind === 'text' ? value.text : null
}

describe('the last-seen note', () => {
  const interval = IDLE_SECONDS / 10

  test('is written once an interval has gone by', async () => {
    await resolve(SESSION_ID, SESSION.createdAtSeconds + interval - 1)
    expect(await seenAfterTurn()).toBeNull()
    await resolve(SESSION_ID, SESSION.createdAtSeconds + interval + 0.5)
    expect(await seenAfterTurn()).toBe(sealedSeen(sid, SESSION.createdAtSeconds + interval))
  })

  test('is written often enough to keep a session in use alive, however short the limit', async () => {
    let seconds = SESSION.createdAtSeconds
    for (let requests = 0; requests < 20; requests += 1) {
      resolver = resolverWith({ idleSeconds: 45 }) // a worker that knows nothing
      expect((await resolve(SESSION_ID, seconds)).ok).toBe(true)
      await new Promise(setImmediate)
      seconds += 20
    }
  })

  test('is not written for a session that is refused', async () => {
    await resolver.resolve(SESSION_ID, 'external', NOW + 1000)
    await resolve(SESSION_ID, NOW + 10_000)
    expect(await seenAfterTurn()).toBeNull()
  })

  test('is written once by requests that come together', async () => {
    const write = memory.write
    let writes = 0
    memory.write = (...args) => {
      writes += 1
      return write(...args)
    }
    await Promise.all(Array.from({ length: 20 }, () => resolve(SESSION_ID, NOW + 1000)))
    expect(writes).toBe(1)
    await resolve(SESSION_ID, NOW + 1000 + interval)
    expect(writes).toBe(2)
  })

  test('of another process is asked for once, not with each request until the next is due', async () => {
    const read = memory.read
    let asked = 0
    memory.read = (keys) => {
      asked += keys.includes(seenKey(sid)) ? 1 : 0
      return read(keys)
    }
    const now = SESSION.createdAtSeconds + 2 * IDLE_SECONDS
    memory.set(seenKey(sid), sealedSeen(sid, now - 10))
    for (let i = 0; i < 5; i++) expect((await resolve(SESSION_ID, now + i)).ok).toBe(true)
    expect(asked).toBe(1)
    expect((await resolve(SESSION_ID, now - 10 + IDLE_SECONDS)).ok).toBe(true)
    expect(await seenAfterTurn()).toBe(sealedSeen(sid, now - 10 + IDLE_SECONDS))
  })

  test('is remembered while Redis takes no writes', async () => {
    memory.write = async () => refuse('state-unavailable')
    expect((await resolve(SESSION_ID, NOW + 1000)).ok).toBe(true)
    expect((await resolve(SESSION_ID, NOW + 1000 + IDLE_SECONDS)).ok).toBe(true)
    expect((await resolve(SESSION_ID, NOW + 1001 + 2 * IDLE_SECONDS)).ok).toBe(false)
  })

  test('does not hold the request up, or fail it', async () => {
    memory.write = () => new Promise(() => {})
    expect((await resolve(SESSION_ID, NOW + 1000)).ok).toBe(true)
    memory.write = async () => refuse('state-unavailable')
    expect((await resolve(SESSION_ID, NOW + 1000)).ok).toBe(true)
  })
})

describe('a session that an earlier version made', () => {
  const made = SESSION.createdAtSeconds

  beforeEach(() => put({ ...SESSION, isUseSealed: false }))

  test('stays signed in by what a sidecar of that version noted', async () => {
    memory.set(seenKey(sid), String(NOW + 1000))
    expect((await resolve(SESSION_ID, NOW + 1000 + IDLE_SECONDS)).ok).toBe(true)
    expect(await resolve(SESSION_ID, NOW + 1001 + 2 * IDLE_SECONDS)).toEqual(
      refuse('session-expired'),
    )
    expect(log.reported).toEqual([])
  })

  test('is noted as in use in the form that a sidecar of that version reads', async () => {
    await resolve(SESSION_ID, made + 1000)
    expect(await seenAfterTurn()).toBe(String(made + 1000))
  })

  test('is noted so also after an outage and a reload', async () => {
    await useUnnoted(NOW + 1000)
    const uses = use.unsaved()
    resolver = resolverWith({})
    use.adopt(uses)
    await use.saveAgain(NOW + 1100)
    expect(await seenAfterTurn()).toBe(String(NOW + 1000))
  })
})

describe('an outage of Redis', () => {
  const made = SESSION.createdAtSeconds

  test('does not count as idleness once it is over', async () => {
    outages = [{ fromSeconds: made + 100, untilSeconds: made + 2100 }]
    expect((await resolve(SESSION_ID, made + IDLE_SECONDS + 2000)).ok).toBe(true)
  })

  test('does not count as idleness while it goes on', async () => {
    outages = [{ fromSeconds: made + 100, untilSeconds: null }]
    expect((await resolve(SESSION_ID, made + 20_000)).ok).toBe(true)
  })

  test('adds no more than its own length', async () => {
    outages = [{ fromSeconds: made + 100, untilSeconds: made + 2100 }]
    expect(await resolve(SESSION_ID, made + IDLE_SECONDS + 2001)).toEqual(refuse('session-expired'))
  })

  test('revives no session that was idle before', async () => {
    outages = [{ fromSeconds: made + IDLE_SECONDS + 1, untilSeconds: null }]
    expect(await resolve(SESSION_ID, made + IDLE_SECONDS + 1000)).toEqual(refuse('session-expired'))
  })

  test('never moves the absolute end', async () => {
    outages = [{ fromSeconds: made, untilSeconds: null }]
    expect((await resolve(SESSION_ID, SESSION.expiresAtSeconds - 1)).ok).toBe(true)
    expect(await resolve(SESSION_ID, SESSION.expiresAtSeconds)).toEqual(refuse('session-expired'))
  })

  test('of which only another sidecar knows counts here as idleness', async () => {
    expect(await resolve(SESSION_ID, made + IDLE_SECONDS + 1)).toEqual(refuse('session-expired'))
  })

  test('loses no use: what Redis did not take is written when it takes writes again', async () => {
    const write = memory.write
    memory.write = async () => refuse('state-unavailable')
    await resolve(SESSION_ID, NOW + 1000)
    await use.saveAgain(NOW + 1001)
    expect(await seenAfterTurn()).toBeNull()
    memory.write = write
    await use.saveAgain(NOW + 1100)
    expect(await seenAfterTurn()).toBe(sealedSeen(sid, NOW + 1000))
    expect(use.unsaved()).toEqual([])
  })

  test('does not let a use of before replace a later one of another process', async () => {
    await useUnnoted(NOW + 1000)
    memory.set(seenKey(sid), sealedSeen(sid, NOW + 1050))
    await use.saveAgain(NOW + 1100)
    expect(await seenAfterTurn()).toBe(sealedSeen(sid, NOW + 1050))
  })

  test('lets what a writer of Redis left meanwhile keep no use from being written', async () => {
    await useUnnoted(NOW + 1000)
    memory.set(seenKey(sid), String(NOW + 1050))
    await use.saveAgain(NOW + 1100)
    expect(await seenAfterTurn()).toBe(sealedSeen(sid, NOW + 1000))
  })

  test('and a reload in it lose no use: a worker that ends hands over what Redis did not take', async () => {
    memory.write = async () => refuse('state-unavailable')
    await resolve(SESSION_ID, NOW + 1000)
    await new Promise(setImmediate)
    const uses = use.unsaved()
    resolver = resolverWith({})
    use.adopt(uses)
    expect((await resolve(SESSION_ID, NOW + 1000 + IDLE_SECONDS)).ok).toBe(true)
    expect(use.unsaved()).toHaveLength(1)
  })
})

/** Uses the session while Redis takes no writes, which it does again afterwards. */
async function useUnnoted(nowSeconds: number): Promise<void> {
  const write = memory.write
  memory.write = async () => refuse('state-unavailable')
  await resolve(SESSION_ID, nowSeconds)
  await new Promise(setImmediate)
  memory.write = write
}
