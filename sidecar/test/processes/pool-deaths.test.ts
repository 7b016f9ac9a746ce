import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  died,
  eachWithItsPool,
  liveOn,
  pauseUntilFork,
  roles,
  until,
  untilReady,
  world,
} from './pool-fixture.ts'

eachWithItsPool()

describe('a worker that dies again and again', () => {
  it.each(['ends at once', 'ends once ready'] as const)(
    'is started after a pause that doubles: one that %s',
    { timeout: 60_000 }, // for the starts of nine processes
    async (how) => {
      world.strength = { authorizer: 0, responder: 1 }
      world.behaviour = how
      world.pool.start()
      const pauses: number[] = []
      for (let deaths = 1; deaths <= 9; deaths++) {
        await until(() => died() === deaths)
        pauses.push(pauseUntilFork())
      }
      expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    },
  )

  it('is told of with how it ended, how often in a row, and when the next one starts', async () => {
    world.strength = { authorizer: 0, responder: 1 }
    world.behaviour = 'ends at once'
    world.pool.start()
    await until(() => died() === 1)
    pauseUntilFork()
    await until(() => died() === 2)
    expect(world.endings).toEqual([
      { how: 'code 1', shortLives: 1, nextStartMs: 250 },
      { how: 'code 1', shortLives: 2, nextStartMs: 500 },
    ])
  })

  it('leaves why it could not start, until one of its role is ready', async () => {
    world.strength = { authorizer: 0, responder: 1 }
    world.behaviour = 'cannot start'
    world.pool.start()
    await until(() => died() === 1)
    expect([world.pool.failure('responder'), world.pool.failure('authorizer')]).toEqual([
      'no file',
      null,
    ])
    world.behaviour = 'serves'
    pauseUntilFork()
    await untilReady(1)
    expect(world.pool.failure('responder')).toBeNull()
  })

  it('has a life of no length where no process can be made, and draining does not wait for it', async () => {
    const { execPath } = process
    process.execPath = '/nonexistent/node'
    onTestFinished(() => void (process.execPath = execPath))
    world.strength = { authorizer: 1, responder: 0 }
    world.pool.start()
    await until(() => died() === 1)
    expect(world.endings[0]).toMatchObject({ how: 'spawn /nonexistent/node ENOENT', shortLives: 1 })
    expect(world.pool.workers()).toEqual([])
    process.execPath = execPath
    pauseUntilFork()
    await untilReady(1)
  })

  it('does not delay workers of another role', async () => {
    world.strength = { authorizer: 1, responder: 1 }
    world.pool.start()
    await untilReady(2)
    liveOn(5000)
    world.behaviour = 'ends at once'
    world.pool
      .workers()
      .find((link) => link.role === 'responder')
      ?.kill()
    for (let deaths = 1; deaths <= 4; deaths++) {
      await until(() => died() === deaths)
      if (deaths < 4) pauseUntilFork()
    }
    world.behaviour = 'serves'
    world.pool.workers()[0]?.kill()
    await until(() => world.events.at(-1) === 'authorizer died')
    vi.advanceTimersByTime(1)
    expect(roles()).toEqual(['authorizer'])
  })

  it('is forgiven once one has lived for 5 seconds, and with a new configuration', async () => {
    world.strength = { authorizer: 0, responder: 1 }
    world.behaviour = 'ends at once'
    world.pool.start()
    await until(() => died() === 1)
    pauseUntilFork()
    await until(() => died() === 2)
    world.behaviour = 'serves'
    world.pool.replaceAll()
    await untilReady(1)
    liveOn(5000)
    world.pool.workers()[0]?.kill()
    await until(() => died() === 3)
    expect(pauseUntilFork()).toBe(1)
  })
})
