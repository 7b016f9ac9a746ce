import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRecentMap } from '../../src/domain/recent-map.ts'

describe('a map of what was used last', () => {
  it('forgets the least recently used entry first', () => {
    const map = createRecentMap<number>({ maxEntries: 2 })
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    map.set('c', 3)
    expect(['a', 'b', 'c'].map(map.get)).toEqual([1, undefined, 3])
  })

  it('replaces an entry without forgetting another', () => {
    const map = createRecentMap<number>({ maxEntries: 2 })
    map.set('a', 1)
    map.set('b', 2)
    map.set('b', 3)
    expect(['a', 'b'].map(map.get)).toEqual([1, 3])
  })

  it('keeps nothing when it has no room', () => {
    const map = createRecentMap<number>({ maxEntries: 0 })
    map.set('a', 1)
    expect(map.get('a')).toBeUndefined()
  })

  it.each(['__proto__', 'constructor', ''])('may be asked for %j', (key) => {
    const map = createRecentMap<number>({ maxEntries: 2 })
    expect(map.get(key)).toBeUndefined()
    map.set(key, 1)
    expect([map.get(key), map.delete(key), map.get(key), map.delete(key)]).toEqual([
      1,
      true,
      undefined,
      false,
    ])
  })

  it('stays within its weight, whatever happens', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      fc.tuple(fc.constant('set' as const), key, fc.integer({ min: 0, max: 12 })),
      fc.tuple(fc.constantFrom('get' as const, 'delete' as const, 'clear' as const), key),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const bounds = { maxEntries: 3, maxWeight: 10, weightOf: (_: string, size: number) => size }
        const map = createRecentMap<number>(bounds)
        for (const [what, name, size] of steps) {
          if (what === 'set') map.set(name, size)
          else if (what === 'clear') map.clear()
          else map[what](name)
          const held = ['a', 'b', 'c', 'd'].flatMap((name) => map.get(name) ?? [])
          expect(held.length).toBe(map.size)
          expect(map.size).toBeLessThanOrEqual(3)
          expect(held.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(10)
        }
      }),
    )
  })
})
