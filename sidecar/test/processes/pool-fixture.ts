import cluster from 'node:cluster'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, vi } from 'vitest'
import type { Role } from '../../src/processes/messages.ts'
import { createPool, type Ending, type Pool } from '../../src/processes/pool.ts'
import type { WorkerLink } from '../../src/processes/worker-link.ts'
import type { Behaviour } from './worker-process-fixture.ts'

/** Waits in real time, whatever the clock of the tests says. */
export const realPause: (ms: number) => Promise<void> = promisify(setTimeout)

/** A pool of real processes with a clock that only the tests move, made anew for each test. */
export interface PoolFixture {
  pool: Pool
  nowMs: number
  behaviour: Behaviour
  /** of the next workers, before `behaviour` is that of all */
  firstBehaviours: Behaviour[]
  strength: Readonly<Record<Role, number>>
  events: string[]
  endings: Ending[]
}

export const fixture = freshFixture() as PoolFixture // its pool comes with each test

/** Makes the world of each test of the file that calls it. */
export function eachWithItsPool(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    cluster.setupPrimary({
      exec: join(import.meta.dirname, 'worker-process-fixture.ts'),
      execArgv: [],
    })
    Object.assign(fixture, freshFixture())
    fixture.pool = newPool()
  })
  afterEach(async () => {
    const drained = fixture.pool.drain()
    for (const link of fixture.pool.workers()) link.kill()
    await drained
    vi.useRealTimers()
  })
}

function freshFixture(): Omit<PoolFixture, 'pool'> {
  return {
    nowMs: 1_000_000,
    behaviour: 'serves',
    firstBehaviours: [],
    strength: { authorizer: 2, responder: 1 },
    events: [],
    endings: [],
  }
}

function newPool(): Pool {
  return createPool({
    strength: (role) => fixture.strength[role],
    startMessage: (role) => ({
      type: 'start',
      role,
      slot: 0,
      // the fixture's in place of a configuration
      loaded: (fixture.firstBehaviours.shift() ?? fixture.behaviour) as never,
      keyGeneration: 0,
      keySets: [],
      redisNews: { outages: [], isFull: false },
    }),
    nowMs: () => fixture.nowMs,
    observer: {
      message: () => undefined,
      disconnected: () => undefined,
      exited(link, isExpected, ending) {
        fixture.events.push(`${link.role} ${isExpected ? 'ended' : 'died'}`)
        fixture.endings.push(ending)
      },
      killed: (link, why) => fixture.events.push(`${link.role} ${why}`),
    },
  })
}

/** Moves the clock in steps in which the pool looks around. */
export function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 250) {
    fixture.nowMs += Math.min(left, 250)
    vi.advanceTimersByTime(Math.min(left, 250))
  }
}

/** Lets so much time go by that the pool cannot tell who was silent in it. */
export function liveOn(ms: number): void {
  fixture.nowMs += ms
  vi.advanceTimersByTime(250)
}

/**
 * Moves the clock until there is another worker.
 *
 * @returns by how much, at most a minute
 */
export function pauseUntilFork(): number {
  const before = fixture.pool.workers().length
  for (let ms = 1; ms <= 60_000; ms++) {
    fixture.nowMs += 1
    vi.advanceTimersByTime(1)
    if (fixture.pool.workers().length > before) return ms
  }
  return Number.POSITIVE_INFINITY
}

export function ready(): readonly WorkerLink[] {
  return fixture.pool.workers().filter((link) => link.state === 'ready')
}

export function untilReady(count: number): Promise<void> {
  return until(() => ready().length === count && fixture.pool.workers().length === count)
}

export function died(): number {
  return fixture.events.filter((event) => event.endsWith('died')).length
}

export function ended(): number {
  return fixture.events.filter((event) => event.endsWith('ended')).length
}

export function roles(): string[] {
  return Array.from(fixture.pool.workers(), (link) => link.role).sort()
}

/** Waits for messages and ends of real processes, in real time. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > giveUpMs)
      throw new Error(`waited too long; so far: ${fixture.events.join()}`)
    await realPause(5)
  }
}
