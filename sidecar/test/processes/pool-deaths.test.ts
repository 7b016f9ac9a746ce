import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  died,
  eachWithItsPool,
  fixture,
  liveOn,
  pauseUntilFork,
  roles,
  until,
  untilReady,
} from './pool-fixture.ts'

eachWithItsPool()

describe('a worker that dies again and again', () => {
  it.each(['ends at once', 'ends once ready'] as const)(
    'is started after a pause that doubles: one that %s',
    { timeout: 60_000 }, // for the starts of nine processes
    async (how) => {
      fixture.strength = { authorizer: 0, responder: 1 }
      fixture.behaviour = how
      fixture.pool.start()
      const pauses: number[] = []
      for (let deaths = 1; deaths <= 9; deaths++) {
        await until(() => died() === deaths)
        pauses.push(pauseUntilFork())
      }
      expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    },
  )

  it('is told of with how it ended, how often in a row, and when the next one starts', async () => {
    fixture.strength = { authorizer: 0, responder: 1 }
    fixture.behaviour = 'ends at once'
    fixture.pool.start()
    await until(() => died() === 1)
    pauseUntilFork()
    await until(() => died() === 2)
    expect(fixture.endings).toEqual([
      { how: 'code 1', shortLives: 1, nextStartMs: 250 },
      { how: 'code 1', shortLives: 2, nextStartMs: 500 },
    ])
  })

  it('leaves why it could not start, until one of its role is ready', async () => {
    fixture.strength = { authorizer: 0, responder: 1 }
    fixture.behaviour = 'cannot start'
    fixture.pool.start()
    await until(() => died() === 1)
    expect([fixture.pool.failure('responder'), fixture.pool.failure('authorizer')]).toEqual([
      'no file',
      null,
    ])
    fixture.behaviour = 'serves'
    pauseUntilFork()
    await untilReady(1)
    expect(fixture.pool.failure('responder')).toBeNull()
  })

  it('has a life of no length where no process can be made, and draining does not wait for it', async () => {
    const { execPath } = process
    process.execPath = '/nonexistent/node'
    onTestFinished(() => void (process.execPath = execPath))
    fixture.strength = { authorizer: 1, responder: 0 }
    fixture.pool.start()
    await until(() => died() === 1)
    expect(fixture.endings[0]).toMatchObject({
      how: 'spawn /nonexistent/node ENOENT',
      shortLives: 1,
    })
    expect(fixture.pool.workers()).toEqual([])
    process.execPath = execPath
    pauseUntilFork()
    await untilReady(1)
  })

  it('does not delay workers of another role', async () => {
    fixture.strength = { authorizer: 1, responder: 1 }
    fixture.pool.start()
    await untilReady(2)
    liveOn(5000)
    fixture.behaviour = 'ends at once'
    fixture.pool
      .workers()
      .find((link) => link.role === 'responder')
      ?.kill()
    for (let deaths = 1; deaths <= 4; deaths++) {
      await until(() => died() === deaths)
      if (deaths < 4) pauseUntilFork()
    }
    fixture.behaviour = 'serves'
    fixture.pool.workers()[0]?.kill()
    await until(() => fixture.events.at(-1) === 'authorizer died')
    vi.advanceTimersByTime(1)
    expect(roles()).toEqual(['authorizer'])
  })

  it('is forgiven once one has lived for 5 seconds, and with a new configuration', async () => {
    fixture.strength = { authorizer: 0, responder: 1 }
    fixture.behaviour = 'ends at once'
    fixture.pool.start()
    await until(() => died() === 1)
    pauseUntilFork()
    await until(() => died() === 2)
    fixture.behaviour = 'serves'
    fixture.pool.replaceAll()
    await untilReady(1)
    liveOn(5000)
    fixture.pool.workers()[0]?.kill()
    await until(() => died() === 3)
    expect(pauseUntilFork()).toBe(1)
  })
})
