import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ok } from '../../src/domain/result.ts'
import { ABSENT, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import {
  type Implementation,
  type KeyValuesUnderTest,
  WRONG_TYPES,
} from './key-values-under-test.ts'

const inSeconds = (seconds: number): number => Date.now() / 1000 + seconds

/** The behaviour of the stores' commands, for each of these implementations. */
export function describeKeyValues(implementations: readonly Implementation[]): void {
  describe.each(implementations)('key values in %s', (_, open) => {
    let fixture: KeyValuesUnderTest

    beforeAll(async () => {
      fixture = await open()
    })
    afterAll(() => fixture.close())

    // these tests wait, so they run together
    describe.concurrent('which end', () => {
      test('keys end at their moment', async () => {
        await fixture.keyValues.create('past', '1', inSeconds(-10))
        await fixture.keyValues.write('soon', '1', Math.floor(inSeconds(1)))
        await fixture.keyValues.create('later', '1', inSeconds(100))
        expect(await fixture.keyValues.read(['past', 'later'])).toEqual(
          ok([ABSENT, storedText('1')]),
        )
        await expect
          .poll(() => fixture.keyValues.read(['soon', 'later']), { timeout: 3000 })
          .toEqual(ok([ABSENT, storedText('1')]))
      })

      test('replace leaves the end of a key where it was', async () => {
        await fixture.keyValues.create('replaced', '1', inSeconds(1))
        expect(await fixture.keyValues.replace('replaced', '1', '2')).toEqual(ok(true))
        await expect
          .poll(() => fixture.keyValues.read(['replaced']), { timeout: 3000 })
          .toEqual(ok([ABSENT]))
        expect(await fixture.keyValues.replace('replaced', '2', '3')).toEqual(ok(false))
        expect(await fixture.keyValues.read(['replaced'])).toEqual(ok([ABSENT]))
      })

      test('a write without an end stays', async () => {
        await fixture.keyValues.write('written', '1', inSeconds(1))
        await fixture.keyValues.write('written', '2', null)
        await pause(2100)
        expect(await fixture.keyValues.read(['written'])).toEqual(ok([storedText('2')]))
      })

      test('extend never lets a key end sooner, and makes none', async () => {
        expect(await fixture.keyValues.extend('absent', inSeconds(100))).toEqual(ok(false))
        await fixture.keyValues.create('last', '1', inSeconds(100))
        await fixture.keyValues.create('first', '1', inSeconds(1))
        await fixture.set('never', '1')
        for (const key of ['last', 'never']) {
          expect(await fixture.keyValues.extend(key, inSeconds(-1))).toEqual(ok(true))
        }
        expect(await fixture.keyValues.extend('first', inSeconds(100))).toEqual(ok(true))
        await pause(2100)
        const all = await fixture.keyValues.read(['absent', 'last', 'first', 'never'])
        expect(all).toEqual(ok([ABSENT, storedText('1'), storedText('1'), storedText('1')]))
      })
    })

    describe('which are there or not', () => {
      beforeEach(() => fixture.clear())

      test('are read in the order asked for, each as what it is', async () => {
        await fixture.set('a', '1')
        await fixture.setWrongType('b', 'set')
        await fixture.set('d', '')
        expect(await fixture.keyValues.read(['d', 'c', 'b', 'a', 'a'])).toEqual(
          ok([storedText(''), ABSENT, WRONG_TYPE, storedText('1'), storedText('1')]),
        )
        expect(await fixture.keyValues.read([])).toEqual(ok([]))
      })

      test.each(WRONG_TYPES)('a %s is never absent', async (type) => {
        await fixture.setWrongType('a', type)
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([WRONG_TYPE]))
      })

      test.each(['__proto__', 'a|b c', 'Zoë', '{a}b', ''])(
        'a key may be called %j',
        async (key) => {
          expect(await fixture.keyValues.read([key])).toEqual(ok([ABSENT]))
          expect(await fixture.keyValues.create(key, 'Zoë', null)).toEqual(ok(true))
          expect(await fixture.keyValues.read([key])).toEqual(ok([storedText('Zoë')]))
        },
      )

      test('create never changes what is there', async () => {
        expect(await fixture.keyValues.create('a', '1', null)).toEqual(ok(true))
        expect(await fixture.keyValues.create('a', '2', inSeconds(100))).toEqual(ok(false))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([storedText('1')]))
        await fixture.setWrongType('b', 'hash')
        expect(await fixture.keyValues.create('b', '2', null)).toEqual(ok(false))
        expect(await fixture.keyValues.read(['b'])).toEqual(ok([WRONG_TYPE]))
      })

      test('write sets whatever was there', async () => {
        await fixture.setWrongType('a', 'list')
        expect(await fixture.keyValues.write('a', '1', inSeconds(100))).toEqual(ok(undefined))
        expect(await fixture.keyValues.write('a', '2', inSeconds(100.5))).toEqual(ok(undefined))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([storedText('2')]))
      })

      test('replace changes exactly what it expects', async () => {
        await fixture.set('a', '1')
        expect(await fixture.keyValues.replace('a', '1', '2')).toEqual(ok(true))
        expect(await fixture.keyValues.replace('a', '1', '3')).toEqual(ok(false))
        expect(await fixture.keyValues.replace('absent', '', '3')).toEqual(ok(false))
        expect(await fixture.keyValues.read(['a', 'absent'])).toEqual(ok([storedText('2'), ABSENT]))
      })

      test.each(WRONG_TYPES)('of a %s there is nothing to replace, but to delete', async (type) => {
        await fixture.setWrongType('a', type)
        expect(await fixture.keyValues.replace('a', '0', '1')).toEqual(ok(false))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([WRONG_TYPE]))
        expect(await fixture.keyValues.delete('a')).toEqual(ok(true))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([ABSENT]))
      })

      test('deleteIf deletes exactly what it expects', async () => {
        await fixture.set('a', '1')
        expect(await fixture.keyValues.deleteIf('a', '2')).toEqual(ok(false))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([storedText('1')]))
        expect(await fixture.keyValues.deleteIf('a', '1')).toEqual(ok(true))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([ABSENT]))
        expect(await fixture.keyValues.deleteIf('a', '1')).toEqual(ok(false))
        await fixture.setWrongType('a', 'set')
        expect(await fixture.keyValues.deleteIf('a', '')).toEqual(ok(false))
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([WRONG_TYPE]))
      })

      test('delete says whether there was something', async () => {
        await fixture.set('a', '1')
        expect(await fixture.keyValues.delete('a')).toEqual(ok(true))
        expect(await fixture.keyValues.delete('a')).toEqual(ok(false))
      })

      test('an operator sees and changes the same keys', async () => {
        await fixture.keyValues.create('a', '1', null)
        await fixture.set('a', '2')
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([storedText('2')]))
        await fixture.delete('a')
        expect(await fixture.keyValues.read(['a'])).toEqual(ok([ABSENT]))
      })
    })
  })
}
