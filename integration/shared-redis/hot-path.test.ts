import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Caller, makeCaller } from './callers.ts'
import { commandCounts, executedSince, writesDuring } from './commands.ts'
import { type Gateways, startGateways } from './gateways.ts'
import { warmUp } from './under-fault.ts'
import { sender, startLoad } from './under-load.ts'
import type { Outcome } from './verdict.ts'

const CALLERS = 12
const PER_SECOND = 200
const SECONDS = 5
/** Two gateways with two authorizer workers each, and with a responder. */
const AUTHORIZERS = 4
const PROCESSES = 6
/**
 * Most heartbeats that a process writes to prove that it hears invalidations: a write a prefix,
 * every 500 ms.
 */
const PREFIXES = 3
const HEARTBEATS_PER_SECOND = 2 * PREFIXES
/** Every process, the two primaries included, sees once a second whether Redis takes writes. */
const PROBES_PER_SECOND = PROCESSES + 2

let gateways: Gateways
let warmUpWrites: readonly string[]
let outcomes: readonly Outcome[]
let counts: ReadonlyMap<string, number>
let writes: readonly string[]

beforeAll(async () => {
  gateways = await startGateways()
  const { redis } = gateways.both[0].stack
  const send = sender(gateways)
  const callers = await makeCallers()
  warmUpWrites = await writesDuring(redis, async () => {
    for (let quiet = 0; quiet < 2; ) {
      const before = await commandCounts(redis)
      await warmUp(send, callers)
      const isRead = executedSince(before, await commandCounts(redis)).has('get')
      quiet = isRead ? 0 : quiet + 1
    }
  })
  // on a machine that has no time for it, a worker may begin to listen anew, and read again
  for (let tries = 0; tries === 0 || (tries < 4 && counts.has('subscribe')); tries++) {
    const before = await commandCounts(redis)
    writes = await writesDuring(redis, async () => {
      const load = startLoad(send, { bystanders: callers, victims: [] }, PER_SECOND)
      await pause(SECONDS * 1000)
      outcomes = await load.stop()
    })
    counts = executedSince(before, await commandCounts(redis))
  }
})

afterAll(() => gateways.stop())

describe('a warm hot path', () => {
  it('a warm hot path serves everybody', () => {
    expect(outcomes.length).toBeGreaterThan(0.9 * PER_SECOND * SECONDS)
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([])
  })

  it('a warm hot path asks Redis nothing on behalf of requests', () => {
    const forRequests = ['get', 'mget', 'exists', 'eval', 'evalsha', 'fcall', 'ttl', 'getex']
    expect(forRequests.filter((name) => counts.has(name))).toEqual([])
    // the remaining commands do not come with requests: probes of health, and this test's own
    const others = [...counts.keys()].filter((name) => name !== 'set')
    expect(others.filter((name) => !HEALTH.has(name))).toEqual([])
  })

  it('a warm hot path writes nothing but heartbeats, so many a second at most', () => {
    expect(new Set(writes.map(kindOf))).toEqual(new Set(['heartbeat']))
    // the counts are taken a moment before the watching begins, and one after it ends: a beat of
    // each fits in
    const unwatched = (counts.get('set') ?? 0) - writes.length
    expect(unwatched).toBeGreaterThanOrEqual(0)
    expect(unwatched).toBeLessThanOrEqual(PROCESSES * PREFIXES + PROBES_PER_SECOND)
    const mostPerSecond = PROCESSES * HEARTBEATS_PER_SECOND + PROBES_PER_SECOND
    expect(writes.length / SECONDS).toBeLessThanOrEqual(mostPerSecond * 1.1)
  })
})

it('each worker notes once that a session is in use, when it is used for the first time in a while', () => {
  const notes = Map.groupBy(
    warmUpWrites.filter((key) => kindOf(key) === 'bg:seen'),
    (key) => key,
  )
  expect(notes.size).toBe(CALLERS / 2)
  for (const [, of] of notes) expect(of.length).toBeLessThanOrEqual(AUTHORIZERS)
})

const HEALTH = new Set(['ping', 'info', 'monitor', 'hello', 'client|setinfo', 'client|id'])

function kindOf(key: string): string {
  return /^bg:[^|]*heartbeat/.test(key) ? 'heartbeat' : key.replace(/^(bg:[a-z]+).*/, '$1')
}

function makeCallers(): Promise<readonly Caller[]> {
  const { stack } = gateways.both[0]
  return Promise.all(
    Array.from({ length: CALLERS }, (_, at) =>
      makeCaller(stack, { form: at % 2 === 0 ? 'bearer' : 'session', ageSeconds: 600 }),
    ),
  )
}
