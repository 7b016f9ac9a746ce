import { describe, expect, it, vi } from 'vitest'
import {
  died,
  eachWithItsPool,
  ended,
  fixture,
  liveOn,
  pass,
  ready,
  realPause,
  roles,
  until,
  untilReady,
} from './pool-fixture.ts'

eachWithItsPool()

describe('a pool', () => {
  it('starts the configured number of workers of each role', async () => {
    fixture.pool.start()
    await untilReady(3)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('replaces one that dies at once, and the others stay', async () => {
    fixture.pool.start()
    await untilReady(3)
    const [victim, ...others] = fixture.pool.workers()
    liveOn(5000)
    victim?.kill()
    await until(() => fixture.events.includes('authorizer died'))
    vi.advanceTimersByTime(1)
    await untilReady(3)
    expect(fixture.pool.workers().slice(0, 2)).toEqual(others)
  })

  it('kills a ready worker that says nothing for a second, not before', async () => {
    fixture.pool.start()
    await untilReady(3)
    fixture.behaviour = 'falls silent'
    fixture.strength = { authorizer: 3, responder: 1 }
    fixture.pool.replaceAll()
    await until(() => ready().length === 4 && fixture.pool.workers().length === 4)
    pass(1000)
    expect(fixture.events.filter((event) => event.endsWith('silent'))).toEqual([])
    fixture.behaviour = 'serves'
    pass(250)
    expect(fixture.events.filter((event) => event.endsWith('silent'))).toHaveLength(4)
    await until(() => died() === 4)
    vi.advanceTimersByTime(2000)
    await untilReady(4)
  })

  it('does not take its own pause for the silence of its workers', async () => {
    fixture.behaviour = 'falls silent'
    fixture.pool.start()
    await untilReady(3)
    fixture.nowMs += 60_000
    vi.advanceTimersByTime(250)
    expect(fixture.events).toEqual([])
    pass(1000)
    expect(fixture.events).toEqual([])
    pass(250)
    expect(fixture.events).toHaveLength(3)
  })

  it('kills a worker that is not ready 15 seconds after its fork', async () => {
    fixture.behaviour = 'never gets ready'
    fixture.pool.start()
    pass(15_000)
    expect(fixture.events).toEqual([])
    pass(250)
    expect(slowStarts()).toEqual(['authorizer slow-start', 'responder slow-start'])
  })

  it('gives twice the time after each slow start in a row, and 15 seconds again after a quick one', async () => {
    fixture.behaviour = 'never gets ready'
    fixture.strength = { authorizer: 1, responder: 0 }
    fixture.pool.start()
    pass(15_250)
    await until(() => died() === 1)
    vi.advanceTimersByTime(1)
    pass(29_000)
    expect(slowStarts()).toHaveLength(1)
    fixture.behaviour = 'serves'
    pass(2000)
    expect(slowStarts()).toHaveLength(2)
    await until(() => died() === 2)
    vi.advanceTimersByTime(1)
    await untilReady(1)

    fixture.behaviour = 'never gets ready'
    fixture.pool.replaceAll()
    pass(15_500)
    expect(slowStarts()).toHaveLength(3)
  })
})

describe('a new configuration', () => {
  it('replaces every worker, each ending only when a successor of its role is ready', async () => {
    fixture.pool.start()
    await untilReady(3)
    const before = fixture.pool.workers()
    fixture.behaviour = 'never gets ready'
    fixture.pool.replaceAll()
    expect(fixture.pool.workers()).toHaveLength(6)
    await realPause(5)
    expect(before.map((link) => link.state)).toEqual(['ready', 'ready', 'ready'])

    fixture.behaviour = 'serves'
    fixture.pool.replaceAll()
    await until(() => ended() === 6)
    await untilReady(3)
    expect(died()).toBe(0)
    expect(fixture.pool.workers().some((link) => before.includes(link))).toBe(false)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('costs no more old workers at a time than there are new ones', async () => {
    fixture.pool.start()
    await untilReady(3)
    fixture.firstBehaviours = ['serves', 'never gets ready']
    fixture.pool.replaceAll()
    await until(() => fixture.events.length === 2)
    await realPause(5)
    expect(fixture.events.sort()).toEqual(['authorizer ended', 'responder ended'])
    expect(
      ready()
        .map((link) => link.role)
        .sort(),
    ).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('that wants fewer workers is followed', async () => {
    fixture.strength = { authorizer: 3, responder: 1 }
    fixture.pool.start()
    await untilReady(4)
    fixture.strength = { authorizer: 1, responder: 1 }
    fixture.pool.replaceAll()
    await until(() => fixture.pool.workers().length === 2 && ready().length === 2)
    expect(roles()).toEqual(['authorizer', 'responder'])
    expect(fixture.events.sort()).toEqual([
      'authorizer ended',
      'authorizer ended',
      'authorizer ended',
      'responder ended',
    ])
  })
})

describe('draining', () => {
  it('ends every worker, starts none, and counts none as a death', async () => {
    fixture.pool.start()
    await untilReady(3)
    await fixture.pool.drain()
    pass(60_000)
    expect(fixture.pool.workers()).toEqual([])
    expect(fixture.events.sort()).toEqual([
      'authorizer ended',
      'authorizer ended',
      'responder ended',
    ])
  })

  it('kills after 10 seconds what does not end', async () => {
    fixture.strength = { authorizer: 1, responder: 0 }
    fixture.behaviour = 'does not drain'
    fixture.pool.start()
    await untilReady(1)
    const drained = fixture.pool.drain()
    pass(10_000)
    expect(fixture.events).toEqual([])
    pass(250)
    await drained
    expect(fixture.events).toEqual(['authorizer slow-drain', 'authorizer ended'])
  })

  it('kills at once what still starts, and lets finish what may have accepted a request', async () => {
    fixture.strength = { authorizer: 2, responder: 0 }
    fixture.firstBehaviours = ['never gets ready', 'only listens']
    fixture.pool.start()
    await until(() => fixture.pool.workers().some((link) => link.state === 'listening'))
    await fixture.pool.drain()
    expect(fixture.endings.map(({ how }) => how).sort()).toEqual(['SIGKILL', 'code 0'])
    expect(fixture.events).toEqual(['authorizer ended', 'authorizer ended'])
  })

  it('of a pool without workers is over at once', () =>
    expect(fixture.pool.drain()).resolves.toBeUndefined())
})

function slowStarts(): readonly string[] {
  return fixture.events.filter((event) => event.endsWith('slow-start')).sort()
}
