import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryState } from './memory-adapter.ts'

beforeEach(() => void vi.useFakeTimers())

afterEach(() => void vi.useRealTimers())

describe('the memory state', () => {
  it('keeps an entry for its time and apart from other models', async () => {
    const state = createMemoryState()
    await state('Session').upsert('a', { uid: 'u' }, 10)
    expect(await state('Session').find('a')).toEqual({ uid: 'u' })
    expect(await state('Session').findByUid('u')).toEqual({ uid: 'u' })
    expect(await state('Grant').find('a')).toBeUndefined()
    expect(await state('Grant').findByUid('u')).toBeUndefined()
    vi.advanceTimersByTime(10_000)
    expect(await state('Session').find('a')).toBeUndefined()
    expect(await state('Session').findByUid('u')).toBeUndefined()
  })

  it('keeps an entry without a time', async () => {
    const clients = createMemoryState()('Client')
    await clients.upsert('a', {})
    vi.advanceTimersByTime(1e12)
    expect(await clients.find('a')).toEqual({})
  })

  it('marks consumption, and destroys one entry or all of a grant', async () => {
    const tokens = createMemoryState()('RefreshToken')
    for (const [id, grantId] of [
      ['a', 'g'],
      ['b', 'g'],
      ['c', 'h'],
    ] as const) {
      await tokens.upsert(id, { grantId }, 60)
    }
    await tokens.consume('c')
    expect(await tokens.find('c')).toMatchObject({ consumed: expect.any(Number) })
    await tokens.revokeByGrantId('g')
    expect(await tokens.find('a')).toBeUndefined()
    expect(await tokens.find('b')).toBeUndefined()
    await tokens.destroy('c')
    expect(await tokens.find('c')).toBeUndefined()
  })

  it('drops the oldest entry beyond its bound', async () => {
    const codes = createMemoryState()('AuthorizationCode')
    for (let count = 0; count <= 10_000; count += 1) await codes.upsert(`${count}`, {}, 60)
    expect(await codes.find('0')).toBeUndefined()
    expect(await codes.find('1')).toEqual({})
  })
})
