import { expect, test } from 'vitest'
import { ok } from '../../src/domain/result.ts'
import { ABSENT, type StoredValue, storedText } from '../../src/domain/stored-value.ts'
import { uncachedReader } from '../support/uncached-reader.ts'

const STATE = storedText('{"id":"state-1","since":0}')
const REVOKED = storedText('1800000000')
const KEYS = ['bg:revoked:subject:okta|00u1', 'bg:revoked:all', 'bg:revoked:issuer:okta']

/**
 * Answers one GET after the other, as Redis does.
 *
 * @param gets how many it answers before a FLUSHALL
 */
async function readThatIsFlushed(gets: number): Promise<{
  readonly values: readonly StoredValue[]
  readonly state: StoredValue
}> {
  let answered = 0
  const get = (key: string): StoredValue => {
    answered += 1
    if (answered > gets) return ABSENT
    return key === 'bg:state' ? STATE : REVOKED
  }
  const reading = await uncachedReader({ read: async (keys) => ok(keys.map(get)) }).read(KEYS)
  if (!reading.ok) throw new Error(reading.reason)
  return reading.value
}

test.each(Array.from({ length: KEYS.length + 2 }, (_, gets) => gets))(
  'a FLUSHALL after %d of the values never makes a revocation look lifted by a sound state',
  async (gets) => {
    const { values, state } = await readThatIsFlushed(gets)
    const isSomeGone = values.some(({ kind }) => kind === 'absent')
    // INVARIANT: where values are gone with everything else, bg:state is gone as well
    if (isSomeGone) expect(state).toEqual(ABSENT)
    else expect(values).toEqual(KEYS.map(() => REVOKED))
  },
)

test('values are those of their keys, and the state is the one read last', async () => {
  const asked: string[] = []
  const reader = uncachedReader({
    read: async (keys) => {
      asked.push(...keys)
      return ok(keys.map((key) => storedText(`of ${key}`)))
    },
  })
  const reading = await reader.read(KEYS)
  expect(asked).toEqual([...KEYS, 'bg:state'])
  expect(reading).toEqual(
    ok({
      values: KEYS.map((key) => storedText(`of ${key}`)),
      state: storedText('of bg:state'),
      isFromOutage: false,
    }),
  )
})
