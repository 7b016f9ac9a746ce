import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ok, refuse } from '../../src/domain/result.ts'
import { ABSENT, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { MAX_INDEX_MEMBERS } from '../../src/store/key-values.ts'
import { IMPLEMENTATIONS, type KeyValuesUnderTest, WRONG_TYPES } from './key-values-under-test.ts'

const inSeconds = (seconds: number): number => Date.now() / 1000 + seconds

describe.each(IMPLEMENTATIONS)('an index in %s', (_, open) => {
  let fixture: KeyValuesUnderTest

  beforeAll(async () => {
    fixture = await open()
  })
  afterAll(() => fixture.close())
  beforeEach(() => fixture.clear())

  const add = (member: string, seconds: number, isReserved = false) =>
    fixture.keyValues.indexAdd('i', member, inSeconds(seconds), isReserved)
  const members = () => fixture.keyValues.indexMembers('i')
  const complete = (...names: string[]) =>
    ok(names.map((member) => ({ member, isReserved: false })))

  test('holds each member once, by when it ends', async () => {
    expect(await members()).toEqual(complete())
    expect(await add('b', 200)).toEqual(ok(1))
    await add('a', 300)
    await add('c', 100)
    await add('c', 250)
    expect(await members()).toEqual(complete('b', 'c', 'a'))
  })

  test('tells a reserved member from a complete one', async () => {
    const reserved = { member: 'a', isReserved: true }
    expect(await add('a', 100, true)).toEqual(ok(0))
    expect(await add('b', 200)).toEqual(ok(1))
    expect(await members()).toEqual(ok([reserved, { member: 'b', isReserved: false }]))
    expect(await add('a', 100)).toEqual(ok(2))
    expect(await members()).toEqual(complete('a', 'b'))
  })

  test('forgets a member, and is gone with the last', async () => {
    await add('a', 100)
    await add('b', 100)
    expect(await fixture.keyValues.indexRemove('i', 'a')).toEqual(ok(undefined))
    expect(await fixture.keyValues.indexRemove('i', 'never')).toEqual(ok(undefined))
    expect(await members()).toEqual(complete('b'))
    await fixture.keyValues.indexRemove('i', 'b')
    expect(await fixture.keyValues.read(['i'])).toEqual(ok([ABSENT]))
    expect(await fixture.keyValues.indexRemove('i', 'b')).toEqual(ok(undefined))
  })

  test('drops members that have ended when another comes', async () => {
    await add('ended', 0.2)
    await pause(2100)
    await add('new', 100)
    expect(await members()).toEqual(complete('new'))
  })

  test('ends with its last member', async () => {
    await add('a', 0.2)
    expect(await fixture.keyValues.read(['i'])).toEqual(ok([WRONG_TYPE]))
    await expect.poll(() => fixture.keyValues.read(['i']), { timeout: 3000 }).toEqual(ok([ABSENT]))
    await add('long-ago', -100)
    expect(await members()).toEqual(complete())
  })

  test('lists no more than a page can show, those that end last', async () => {
    const numbers = Array.from({ length: MAX_INDEX_MEMBERS + 5 }, (_, number) => number)
    for (let at = 0; at < numbers.length; at += 50) {
      const some = numbers.slice(at, at + 50)
      await Promise.all(some.map((number) => add(String(number), 100 + number)))
    }
    const listed = await members()
    expect(listed).toEqual(complete(...numbers.slice(5).map(String)))
  })

  test.each(WRONG_TYPES.filter((type) => type !== 'zset'))(
    'a %s is no empty index, and gives way to one',
    async (type) => {
      await fixture.setWrongType('i', type)
      expect(await members()).toEqual(refuse('state-unavailable'))
      expect(await fixture.keyValues.indexRemove('i', 'a')).toEqual(refuse('state-unavailable'))
      expect(await add('a', 100)).toEqual(ok(1))
      expect(await members()).toEqual(complete('a'))
    },
  )

  test('text in its place is no index either', async () => {
    await fixture.set('i', '1')
    expect(await members()).toEqual(refuse('state-unavailable'))
    expect(await fixture.keyValues.read(['i'])).toEqual(ok([storedText('1')]))
  })

  test('is written when there is no replica to wait for', async () => {
    await add('a', 100)
    expect(await fixture.keyValues.settle('i')).toEqual(ok(true))
  })
})
