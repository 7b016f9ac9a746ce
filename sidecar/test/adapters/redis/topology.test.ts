import { describe, expect, test } from 'vitest'
import {
  agreedPrimaries,
  ownsTag,
  type Primary,
  parseClusterNodes,
  slotMapText,
  slotOf,
  tagOf,
} from '../../../src/adapters/redis/topology.ts'

const A = 'a1 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-5460'
const B = 'b2 10.0.0.2:6379@16379,redis-2.example.com master - 0 1 2 connected 5461-16382 16383'
const EMPTY = 'c3 10.0.0.3:6379@16379 master - 0 1 3 connected'
const REPLICA = 'd4 10.0.0.4:6379@16379 slave a1 0 1 1 connected'
const GIVEN_UP = 'e5 10.0.0.5:6379@16379 master,fail - 0 1 0 disconnected'
const DOWN =
  'b2 10.0.0.2:6379@16379,redis-2.example.com master,fail - 0 1 2 disconnected 5461-16383'

const view = (...lines: string[]) => parseClusterNodes(`${lines.join('\n')}\n`, '10.0.0.9')
const seenBy = (id: string, ...lines: string[]) =>
  view(
    ...lines.map((line) => {
      const stranger = line.replace('myself,', '')
      return line.startsWith(id) ? stranger.replace(' master', ' myself,master') : stranger
    }),
  )

describe('the answer to CLUSTER NODES', () => {
  test('tells primaries, also those without slots, by name where they have one', () => {
    expect(view(A, B, EMPTY, REPLICA)).toEqual({
      self: 'a1',
      primaries: [
        { id: 'a1', host: '10.0.0.1', port: 6379, slots: ['0-5460'] },
        { id: 'b2', host: 'redis-2.example.com', port: 6379, slots: ['5461-16382', '16383'] },
        { id: 'c3', host: '10.0.0.3', port: 6379, slots: [] },
      ],
      moving: new Set(),
    })
  })

  test('a primary that failed counts as long as it has slots', () => {
    expect(view(A, DOWN, GIVEN_UP).primaries.map(({ id }) => id)).toEqual(['a1', 'b2'])
  })

  test('a server that does not know its address is where it was asked', () => {
    expect(view(A.replace('10.0.0.1', '')).primaries[0]).toMatchObject({ host: '10.0.0.9' })
    expect(view(A.replace('10.0.0.1', 'fd00::1')).primaries[0]).toMatchObject({ host: 'fd00::1' })
  })

  test('slots on their way are told, and are no ranges', () => {
    const { primaries, moving } = view(`${A} [77->-b2] [5000-<-b2]`, B)
    expect(primaries[0]?.slots).toEqual(['0-5460'])
    expect(moving).toEqual(new Set([77, 5000]))
  })
})

describe('servers agree', () => {
  test('when all that have slots were asked and say the same', () => {
    const agreed = agreedPrimaries([seenBy('a1', A, B, EMPTY), seenBy('b2', EMPTY, B, A)])
    expect(agreed?.map(({ id }) => id)).toEqual(['a1', 'b2', 'c3'])
  })

  test.each([
    ['nobody was asked', []],
    ['one with slots was not asked', [seenBy('a1', A, B)]],
    ['one knows of a primary more', [seenBy('a1', A, B, EMPTY), seenBy('b2', A, B)]],
    [
      'a slot has another place for one',
      [seenBy('a1', A, B), seenBy('b2', A.replace('5460', '5459'), B.replace('5461', '5460'))],
    ],
  ])('not when %s', (_, views) => {
    expect(agreedPrimaries(views)).toBeNull()
  })

  test('places differ when an address does', () => {
    const moved = view(A.replace('10.0.0.1', '10.0.0.7'), B).primaries
    expect(slotMapText(moved)).not.toBe(slotMapText(view(A, B).primaries))
  })
})

describe('a tag', () => {
  const primary = (...slots: string[]): Primary => ({ id: 'a', host: 'a', port: 1, slots })

  test.each([['0-5460'], ['16383'], ['5461-5500', '9000-9100']])(
    'is found in %s %s',
    (...slots) => {
      const tag = tagOf(primary(...slots), new Set())
      if (tag === null) return expect(slots).toEqual(['16383']) // rarely none is found
      expect(ownsTag(primary(...slots), new Set(), tag)).toBe(true)
      expect(slotOf(`bg:session:{${tag}}:x:heartbeat`)).toBe(slotOf(tag))
    },
  )

  test('is not in a slot that moves', () => {
    const tag = tagOf(primary('0-5460'), new Set())
    const moving = new Set([slotOf(tag ?? '')])
    const other = tagOf(primary('0-5460'), moving)
    expect(other).not.toBe(tag)
    expect(ownsTag(primary('0-5460'), moving, tag ?? '')).toBe(false)
    expect(ownsTag(primary('0-5460'), moving, other ?? '')).toBe(true)
  })

  test('is not there without a slot', () => {
    expect(tagOf(primary(), new Set())).toBeNull()
    expect(tagOf(primary('7'), new Set([7]))).toBeNull()
  })
})
