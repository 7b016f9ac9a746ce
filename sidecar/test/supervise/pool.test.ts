import cluster from 'node:cluster'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../../src/supervise/messages.ts'
import { createPool, type Pool } from '../../src/supervise/pool.ts'
import type { WorkerLink } from '../../src/supervise/worker-link.ts'
import type { Behaviour } from './fixture-worker.ts'

const realPause = promisify(setTimeout) // whatever the clock of the tests says

let pool: Pool // of real processes, with a clock that only the tests move
let nowMs: number
let behaviour: Behaviour
let firstBehaviours: Behaviour[] // of the next workers, before `behaviour` is that of all
let strength: Readonly<Record<Role, number>>
let events: string[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  cluster.setupPrimary({ exec: join(import.meta.dirname, 'fixture-worker.ts'), execArgv: [] })
  nowMs = 1_000_000
  behaviour = 'serves'
  firstBehaviours = []
  strength = { authorizer: 2, responder: 1 }
  events = []
  pool = createPool({
    strength: (role) => strength[role],
    startMessage: (role) => ({
      type: 'start',
      role,
      slot: 0,
      loaded: (firstBehaviours.shift() ?? behaviour) as never, // the fixture's in place of a configuration
      feed: 0,
      keySets: [],
    }),
    nowMs: () => nowMs,
    observer: {
      message: () => undefined,
      disconnected: () => undefined,
      exited: (link, expected) => events.push(`${link.role} ${expected ? 'ended' : 'died'}`),
      killed: (link, why) => events.push(`${link.role} ${why}`),
    },
  })
})

afterEach(async () => {
  const drained = pool.drain()
  for (const link of pool.workers()) link.kill()
  await drained
  vi.useRealTimers()
})

describe('a pool', () => {
  it('starts the configured number of workers of each role', async () => {
    pool.start()
    await untilReady(3)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('replaces one that dies at once, and the others stay', async () => {
    pool.start()
    await untilReady(3)
    const [victim, ...others] = pool.workers()
    liveOn(5000)
    victim?.kill()
    await until(() => events.includes('authorizer died'))
    vi.advanceTimersByTime(1)
    await untilReady(3)
    expect(pool.workers().slice(0, 2)).toEqual(others)
  })

  it('kills a ready worker that says nothing for a second, not before', async () => {
    pool.start()
    await untilReady(3)
    behaviour = 'falls silent'
    strength = { authorizer: 3, responder: 1 }
    pool.replaceAll()
    await until(() => ready().length === 4 && pool.workers().length === 4)
    pass(1000)
    expect(events.filter((event) => event.endsWith('silent'))).toEqual([])
    behaviour = 'serves'
    pass(250)
    expect(events.filter((event) => event.endsWith('silent'))).toHaveLength(4)
    await until(() => died() === 4)
    vi.advanceTimersByTime(2000)
    await untilReady(4)
  })

  it('does not take its own pause for the silence of its workers', async () => {
    behaviour = 'falls silent'
    pool.start()
    await untilReady(3)
    nowMs += 60_000
    vi.advanceTimersByTime(250)
    expect(events).toEqual([])
    pass(1000)
    expect(events).toEqual([])
    pass(250)
    expect(events).toHaveLength(3)
  })

  it('kills a worker that is not ready 15 seconds after its fork', async () => {
    behaviour = 'never gets ready'
    pool.start()
    pass(15_000)
    expect(events).toEqual([])
    pass(250)
    expect(events.sort()).toEqual([
      'authorizer slow-start',
      'authorizer slow-start',
      'responder slow-start',
    ])
  })
})

describe('a worker that dies again and again', () => {
  it.each(['ends at once', 'ends once ready'] as const)(
    'is started after a pause that doubles: one that %s',
    async (how) => {
      strength = { authorizer: 0, responder: 1 }
      behaviour = how
      pool.start()
      const pauses: number[] = []
      for (let deaths = 1; deaths <= 9; deaths++) {
        await until(() => died() === deaths)
        pauses.push(pauseUntilFork())
      }
      expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    },
  )

  it('does not delay workers of another role', async () => {
    strength = { authorizer: 1, responder: 1 }
    pool.start()
    await untilReady(2)
    liveOn(5000)
    behaviour = 'ends at once'
    pool
      .workers()
      .find((link) => link.role === 'responder')
      ?.kill()
    for (let deaths = 1; deaths <= 4; deaths++) {
      await until(() => died() === deaths)
      if (deaths < 4) pauseUntilFork()
    }
    behaviour = 'serves'
    pool.workers()[0]?.kill()
    await until(() => events.at(-1) === 'authorizer died')
    vi.advanceTimersByTime(1)
    expect(roles()).toEqual(['authorizer'])
  })

  it('is forgiven once one has lived for 5 seconds, and with a new configuration', async () => {
    strength = { authorizer: 0, responder: 1 }
    behaviour = 'ends at once'
    pool.start()
    await until(() => died() === 1)
    pauseUntilFork()
    await until(() => died() === 2)
    behaviour = 'serves'
    pool.replaceAll()
    await untilReady(1)
    liveOn(5000)
    pool.workers()[0]?.kill()
    await until(() => died() === 3)
    expect(pauseUntilFork()).toBe(1)
  })
})

describe('a new configuration', () => {
  it('replaces every worker, each ending only when a successor of its role is ready', async () => {
    pool.start()
    await untilReady(3)
    const before = pool.workers()
    behaviour = 'never gets ready'
    pool.replaceAll()
    expect(pool.workers()).toHaveLength(6)
    await realPause(5)
    expect(before.map((link) => link.state)).toEqual(['ready', 'ready', 'ready'])

    behaviour = 'serves'
    pool.replaceAll()
    await until(() => died() === 3)
    vi.advanceTimersByTime(2000)
    await until(() => events.filter((event) => event.endsWith('ended')).length === 3)
    await untilReady(3)
    expect(pool.workers().some((link) => before.includes(link))).toBe(false)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('costs no more old workers at a time than there are new ones', async () => {
    pool.start()
    await untilReady(3)
    firstBehaviours = ['serves', 'never gets ready']
    pool.replaceAll()
    await until(() => events.length === 2)
    await realPause(5)
    expect(events.sort()).toEqual(['authorizer ended', 'responder ended'])
    expect(
      ready()
        .map((link) => link.role)
        .sort(),
    ).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('that wants fewer workers is followed', async () => {
    strength = { authorizer: 3, responder: 1 }
    pool.start()
    await untilReady(4)
    strength = { authorizer: 1, responder: 1 }
    pool.replaceAll()
    await until(() => pool.workers().length === 2 && ready().length === 2)
    expect(roles()).toEqual(['authorizer', 'responder'])
    expect(events.sort()).toEqual([
      'authorizer ended',
      'authorizer ended',
      'authorizer ended',
      'responder ended',
    ])
  })
})

describe('draining', () => {
  it('ends every worker, starts none, and counts none as a death', async () => {
    pool.start()
    await untilReady(3)
    await pool.drain()
    pass(60_000)
    expect(pool.workers()).toEqual([])
    expect(events.sort()).toEqual(['authorizer ended', 'authorizer ended', 'responder ended'])
  })

  it('kills after 10 seconds what does not end', async () => {
    strength = { authorizer: 1, responder: 0 }
    behaviour = 'does not drain'
    pool.start()
    await untilReady(1)
    const drained = pool.drain()
    pass(10_000)
    expect(events).toEqual([])
    pass(250)
    await drained
    expect(events).toEqual(['authorizer slow-drain', 'authorizer ended'])
  })

  it('of a pool without workers is over at once', () =>
    expect(pool.drain()).resolves.toBeUndefined())
})

/** Moves the clock in steps in which the pool looks around. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 250) {
    nowMs += Math.min(left, 250)
    vi.advanceTimersByTime(Math.min(left, 250))
  }
}

/** Lets so much time go by that the pool cannot tell who was silent in it. */
function liveOn(ms: number): void {
  nowMs += ms
  vi.advanceTimersByTime(250)
}

/** Moves the clock until there is another worker. @returns by how much, at most a minute */
function pauseUntilFork(): number {
  const before = pool.workers().length
  for (let ms = 1; ms <= 60_000; ms++) {
    nowMs += 1
    vi.advanceTimersByTime(1)
    if (pool.workers().length > before) return ms
  }
  return Number.POSITIVE_INFINITY
}

function ready(): readonly WorkerLink[] {
  return pool.workers().filter((link) => link.state === 'ready')
}

function untilReady(count: number): Promise<void> {
  return until(() => ready().length === count && pool.workers().length === count)
}

function died(): number {
  return events.filter((event) => event.endsWith('died')).length
}

function roles(): string[] {
  return Array.from(pool.workers(), (link) => link.role).sort()
}

/** Waits for messages and ends of real processes, in real time. */
async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited too long; so far: ${events.join()}`)
    await realPause(5)
  }
}
