import { describe, expect, it, vi } from 'vitest'
import {
  died,
  eachWithItsPool,
  ended,
  liveOn,
  pass,
  ready,
  realPause,
  roles,
  until,
  untilReady,
  world,
} from './pool-fixture.ts'

eachWithItsPool()

describe('a pool', () => {
  it('starts the configured number of workers of each role', async () => {
    world.pool.start()
    await untilReady(3)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('replaces one that dies at once, and the others stay', async () => {
    world.pool.start()
    await untilReady(3)
    const [victim, ...others] = world.pool.workers()
    liveOn(5000)
    victim?.kill()
    await until(() => world.events.includes('authorizer died'))
    vi.advanceTimersByTime(1)
    await untilReady(3)
    expect(world.pool.workers().slice(0, 2)).toEqual(others)
  })

  it('kills a ready worker that says nothing for a second, not before', async () => {
    world.pool.start()
    await untilReady(3)
    world.behaviour = 'falls silent'
    world.strength = { authorizer: 3, responder: 1 }
    world.pool.replaceAll()
    await until(() => ready().length === 4 && world.pool.workers().length === 4)
    pass(1000)
    expect(world.events.filter((event) => event.endsWith('silent'))).toEqual([])
    world.behaviour = 'serves'
    pass(250)
    expect(world.events.filter((event) => event.endsWith('silent'))).toHaveLength(4)
    await until(() => died() === 4)
    vi.advanceTimersByTime(2000)
    await untilReady(4)
  })

  it('does not take its own pause for the silence of its workers', async () => {
    world.behaviour = 'falls silent'
    world.pool.start()
    await untilReady(3)
    world.nowMs += 60_000
    vi.advanceTimersByTime(250)
    expect(world.events).toEqual([])
    pass(1000)
    expect(world.events).toEqual([])
    pass(250)
    expect(world.events).toHaveLength(3)
  })

  it('kills a worker that is not ready 15 seconds after its fork', async () => {
    world.behaviour = 'never gets ready'
    world.pool.start()
    pass(15_000)
    expect(world.events).toEqual([])
    pass(250)
    expect(slowStarts()).toEqual(['authorizer slow-start', 'responder slow-start'])
  })

  it('gives twice the time after each slow start in a row, and 15 seconds again after a quick one', async () => {
    world.behaviour = 'never gets ready'
    world.strength = { authorizer: 1, responder: 0 }
    world.pool.start()
    pass(15_250)
    await until(() => died() === 1)
    vi.advanceTimersByTime(1)
    pass(29_000)
    expect(slowStarts()).toHaveLength(1)
    world.behaviour = 'serves'
    pass(2000)
    expect(slowStarts()).toHaveLength(2)
    await until(() => died() === 2)
    vi.advanceTimersByTime(1)
    await untilReady(1)

    world.behaviour = 'never gets ready'
    world.pool.replaceAll()
    pass(15_500)
    expect(slowStarts()).toHaveLength(3)
  })
})

describe('a new configuration', () => {
  it('replaces every worker, each ending only when a successor of its role is ready', async () => {
    world.pool.start()
    await untilReady(3)
    const before = world.pool.workers()
    world.behaviour = 'never gets ready'
    world.pool.replaceAll()
    expect(world.pool.workers()).toHaveLength(6)
    await realPause(5)
    expect(before.map((link) => link.state)).toEqual(['ready', 'ready', 'ready'])

    world.behaviour = 'serves'
    world.pool.replaceAll()
    await until(() => ended() === 6)
    await untilReady(3)
    expect(died()).toBe(0)
    expect(world.pool.workers().some((link) => before.includes(link))).toBe(false)
    expect(roles()).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('costs no more old workers at a time than there are new ones', async () => {
    world.pool.start()
    await untilReady(3)
    world.firstBehaviours = ['serves', 'never gets ready']
    world.pool.replaceAll()
    await until(() => world.events.length === 2)
    await realPause(5)
    expect(world.events.sort()).toEqual(['authorizer ended', 'responder ended'])
    expect(
      ready()
        .map((link) => link.role)
        .sort(),
    ).toEqual(['authorizer', 'authorizer', 'responder'])
  })

  it('that wants fewer workers is followed', async () => {
    world.strength = { authorizer: 3, responder: 1 }
    world.pool.start()
    await untilReady(4)
    world.strength = { authorizer: 1, responder: 1 }
    world.pool.replaceAll()
    await until(() => world.pool.workers().length === 2 && ready().length === 2)
    expect(roles()).toEqual(['authorizer', 'responder'])
    expect(world.events.sort()).toEqual([
      'authorizer ended',
      'authorizer ended',
      'authorizer ended',
      'responder ended',
    ])
  })
})

describe('draining', () => {
  it('ends every worker, starts none, and counts none as a death', async () => {
    world.pool.start()
    await untilReady(3)
    await world.pool.drain()
    pass(60_000)
    expect(world.pool.workers()).toEqual([])
    expect(world.events.sort()).toEqual(['authorizer ended', 'authorizer ended', 'responder ended'])
  })

  it('kills after 10 seconds what does not end', async () => {
    world.strength = { authorizer: 1, responder: 0 }
    world.behaviour = 'does not drain'
    world.pool.start()
    await untilReady(1)
    const drained = world.pool.drain()
    pass(10_000)
    expect(world.events).toEqual([])
    pass(250)
    await drained
    expect(world.events).toEqual(['authorizer slow-drain', 'authorizer ended'])
  })

  it('kills at once what still starts, and lets finish what may have accepted a request', async () => {
    world.strength = { authorizer: 2, responder: 0 }
    world.firstBehaviours = ['never gets ready', 'only listens']
    world.pool.start()
    await until(() => world.pool.workers().some((link) => link.state === 'listening'))
    await world.pool.drain()
    expect(world.endings.map(({ how }) => how).sort()).toEqual(['SIGKILL', 'code 0'])
    expect(world.events).toEqual(['authorizer ended', 'authorizer ended'])
  })

  it('of a pool without workers is over at once', () =>
    expect(world.pool.drain()).resolves.toBeUndefined())
})

function slowStarts(): readonly string[] {
  return world.events.filter((event) => event.endsWith('slow-start')).sort()
}
