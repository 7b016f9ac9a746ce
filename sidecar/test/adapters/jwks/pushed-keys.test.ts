import { describe, expect, it } from 'vitest'
import { createPushedKeys, type PushedKeys } from '../../../src/adapters/jwks/pushed-keys.ts'
import type { KeySet, RefreshOutcome } from '../../../src/verify/key-source.ts'

function keySet(fetchedAtMonotonicMs: number, issuerName = 'idp'): KeySet {
  return { issuerName, keys: [], fetchedAtMonotonicMs }
}

function create(requestKeys: () => Promise<RefreshOutcome> = async () => 'refreshed'): {
  keys: PushedKeys
  clock: { ms: number }
} {
  const clock = { ms: 1_000_000 }
  const deps = { maxStaleSeconds: 60, clock: { monotonicMs: () => clock.ms }, requestKeys }
  return { keys: createPushedKeys(deps), clock }
}

describe('pushed keys', () => {
  it('are the same object until newer ones come', () => {
    const { keys } = create()
    const [first, second] = [keySet(1_000_000), keySet(1_000_000)]
    keys.receive(first)
    expect(keys.current('idp')).toBe(first)
    keys.receive(second)
    expect(keys.current('idp')).toBe(second)
    keys.receive(keySet(999_999))
    expect(keys.current('idp')).toBe(second)
  })

  it.each([
    ['fetched now', 0, true],
    ['as old as may be', 60_000, true],
    ['older than may be', 60_001, false],
    ['from the future', -1, false],
    ['of no known age', Number.NaN, false],
  ])('%s', (_, ageMs, isThere) => {
    const { keys, clock } = create()
    keys.receive(keySet(clock.ms - ageMs))
    expect(keys.current('idp') !== null).toBe(isThere)
  })

  it('are kept for each issuer', () => {
    const { keys } = create()
    keys.receive(keySet(1_000_000, 'other'))
    expect(keys.current('idp')).toBeNull()
    expect(keys.current('__proto__')).toBeNull()
  })

  it('ask again only after the last question was answered, also by a failure', async () => {
    let questions = 0
    const { keys } = create(() => {
      questions += 1
      return Promise.reject(new Error('the channel is closed'))
    })
    const together = await Promise.allSettled([
      keys.refresh('idp', 'kid'),
      keys.refresh('idp', 'kid'),
    ])
    expect(together.map((one) => one.status)).toEqual(['rejected', 'rejected'])
    expect(questions).toBe(1)
    await expect(keys.refresh('idp', 'kid')).rejects.toThrow('the channel is closed')
    expect(questions).toBe(2)
  })
})
