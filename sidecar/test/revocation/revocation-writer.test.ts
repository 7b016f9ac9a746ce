import { beforeEach, describe, expect, test } from 'vitest'
import { ok, refuse } from '../../src/domain/result.ts'
import { ABSENT, storedText } from '../../src/domain/stored-value.ts'
import type { RevocationTarget } from '../../src/revocation/revocation-keys.ts'
import {
  createRevocationWriter,
  type RevocationWriter,
} from '../../src/revocation/revocation-writer.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { NOW } from '../support/session-fixture.ts'

const LIFETIME = 108_005
const ALICE: RevocationTarget = { kind: 'subject', subject: 'okta|00u1alice' }
const KEY = 'bg:revoked:subject:okta|00u1alice'

let clockSeconds: number
let memory: MemoryKeyValues
let writer: RevocationWriter

beforeEach(() => {
  clockSeconds = NOW
  memory = createMemoryKeyValues(() => clockSeconds)
  writer = createRevocationWriter({ records: memory, lifetimeSeconds: LIFETIME })
})

const valueOf = async (key: string) => {
  const values = await memory.read([key])
  return values.ok ? values.value[0] : values
}
const revoke = (notBeforeSeconds?: number, target: RevocationTarget = ALICE) =>
  writer.revoke({ target, ...(notBeforeSeconds === undefined ? {} : { notBeforeSeconds }) }, NOW)

/** until when the key stays, to the second */
async function endOf(key: string): Promise<number> {
  for (clockSeconds = NOW; clockSeconds < NOW + 10 * LIFETIME; clockSeconds += 5) {
    const value = await valueOf(key)
    if (value !== undefined && 'kind' in value && value.kind === 'absent') return clockSeconds
  }
  return Number.POSITIVE_INFINITY
}

test.each<[RevocationTarget, string]>([
  [{ kind: 'token', issuerName: 'okta', tokenId: 'jti-1' }, 'bg:revoked:token:okta|jti-1'],
  [{ kind: 'session', sid: 'ab12' }, 'bg:revoked:session:ab12'],
  [ALICE, KEY],
  [{ kind: 'client', issuerName: 'okta', clientId: '0oa1' }, 'bg:revoked:client:okta|0oa1'],
  [{ kind: 'idp-session', issuerName: 'okta', idpSession: 's' }, 'bg:revoked:idp-session:okta|s'],
  [{ kind: 'issuer', issuerName: 'okta' }, 'bg:revoked:issuer:okta'],
  [{ kind: 'all' }, 'bg:revoked:all'],
])('%j is refused by its key, until its last token has expired', async (target, key) => {
  expect(await revoke(undefined, target)).toEqual(
    ok({
      key,
      value: String(NOW),
      expiresAtSeconds: NOW + LIFETIME,
      outcome: 'created',
      isReplicated: true,
    }),
  )
  expect(await valueOf(key)).toEqual(storedText(String(NOW)))
  expect(await endOf(key)).toBe(NOW + LIFETIME)
  clockSeconds = NOW
  expect(await writer.unrevoke(target)).toEqual(ok(true))
  expect(await valueOf(key)).toEqual(ABSENT)
  expect(await writer.unrevoke(target)).toEqual(ok(false))
})

describe('a moment to come', () => {
  test('lasts until the tokens issued up to it have expired', async () => {
    await revoke(NOW + 3600)
    expect(await endOf(KEY)).toBe(NOW + 3600 + LIFETIME)
  })

  test('lets nothing of a token last longer: it is refused anyway', async () => {
    await revoke(NOW + 3600, { kind: 'session', sid: 'ab12' })
    expect(await endOf('bg:revoked:session:ab12')).toBe(NOW + LIFETIME)
  })

  test('is rounded away from letting anybody in', async () => {
    await revoke(NOW + 0.1)
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW + 1)))
  })

  test.each([0, 999_999_999_999])('may be %d', async (moment) => {
    expect(await revoke(moment)).toMatchObject(ok({ value: String(moment) }))
    expect(await valueOf(KEY)).toEqual(storedText(String(moment)))
  })

  test.each([-1, Number.NaN, 1e12, Number.POSITIVE_INFINITY])('%d is none', async (moment) => {
    await expect(revoke(moment)).rejects.toThrow(RangeError)
    expect(await valueOf(KEY)).toEqual(ABSENT)
  })
})

describe('a revocation that is already there', () => {
  test('is raised', async () => {
    memory.set(KEY, String(NOW - 100))
    expect(await revoke()).toMatchObject(ok({ outcome: 'changed', value: String(NOW) }))
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW)))
  })

  test.each([
    ['a later moment', String(NOW + 5), String(NOW + 5)],
    ['the same moment', String(NOW), String(NOW)],
    ['a word, which refuses everybody', 'soon', null],
    ['another type, which does, too', null, null],
  ])('is never lowered: %s', async (_, held, value) => {
    memory.set(KEY, held)
    const before = await valueOf(KEY)
    expect(await revoke()).toMatchObject(ok({ outcome: 'kept', value }))
    expect(await valueOf(KEY)).toEqual(before)
  })

  test('is never lowered: any value of a session or a token', async () => {
    memory.set('bg:revoked:session:ab12', '1')
    const kept = ok({ outcome: 'kept', value: '1' })
    expect(await revoke(undefined, { kind: 'session', sid: 'ab12' })).toMatchObject(kept)
    expect(await valueOf('bg:revoked:session:ab12')).toEqual(storedText('1'))
  })

  test('is made to last, and never to end sooner', async () => {
    await memory.create(KEY, String(NOW + 5), NOW + 10)
    await revoke()
    expect(await endOf(KEY)).toBe(NOW + LIFETIME)
    clockSeconds = NOW
    await memory.write(KEY, '1', NOW + 2 * LIFETIME)
    await revoke()
    expect(await endOf(KEY)).toBe(NOW + 2 * LIFETIME)
    clockSeconds = NOW
    memory.set(KEY, '1')
    await revoke()
    expect(await endOf(KEY)).toBe(Number.POSITIVE_INFINITY)
  })

  test.each(['999999999999', 'soon', null])('is %j no more when forced', async (held) => {
    memory.set(KEY, held)
    const forced = { target: ALICE, isForced: true }
    expect(await writer.revoke(forced, NOW)).toMatchObject(ok({ outcome: 'changed' }))
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW)))
    expect(await endOf(KEY)).toBe(NOW + LIFETIME)
  })
})

test('is kept for longer on demand, never for shorter', async () => {
  const order = (keepSeconds: number) => writer.revoke({ target: ALICE, keepSeconds }, NOW)
  expect(await order(60)).toMatchObject(ok({ expiresAtSeconds: NOW + LIFETIME }))
  expect(await order(LIFETIME + 60)).toMatchObject(ok({ expiresAtSeconds: NOW + LIFETIME + 60 }))
})

test('a preview says the same and writes nothing', async () => {
  for (const held of [undefined, '1', String(NOW + 5), 'soon', null]) {
    if (held !== undefined) memory.set(KEY, held)
    const before = await valueOf(KEY)
    const preview = await writer.preview({ target: ALICE }, NOW)
    expect(await valueOf(KEY)).toEqual(before)
    const done = await writer.revoke({ target: ALICE }, NOW)
    expect(preview).toEqual(done.ok && ok({ ...done.value, isReplicated: false }))
  }
})

describe('another writer', () => {
  test('that comes in between is not overlooked', async () => {
    memory.set(KEY, String(NOW - 100))
    const { read } = memory
    let left = 2
    memory.read = async (keys) => {
      const reading = await read(keys)
      if (left > 0) memory.set(KEY, String(NOW - left))
      left -= 1
      return reading
    }
    expect(await revoke()).toMatchObject(ok({ value: String(NOW) }))
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW)))
  })

  test('that takes it away in between does not make a revocation that stands', async () => {
    memory.set(KEY, String(NOW + 100))
    const { read } = memory
    memory.read = async (keys) => {
      const reading = await read(keys)
      await memory.delete(KEY)
      memory.read = read
      return reading
    }
    expect(await revoke()).toMatchObject(ok({ outcome: 'created' }))
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW)))
  })

  test('that never stops ends in an error, and not in silence', async () => {
    memory.set(KEY, '1')
    memory.replace = async () => ok(false)
    expect(await revoke()).toEqual(refuse('state-unavailable'))
  })
})

describe('a Redis that fails', () => {
  test('is told of', async () => {
    memory.isDown = true
    expect(await revoke()).toEqual(refuse('state-unavailable'))
    expect(await writer.preview({ target: ALICE }, NOW)).toEqual(refuse('state-unavailable'))
    expect(await writer.unrevoke(ALICE)).toEqual(refuse('state-unavailable'))
  })

  test('while a revocation is forced is told of, never taken for done', async () => {
    memory.set(KEY, 'soon')
    memory.write = async () => refuse('state-unavailable')
    const forced = { target: ALICE, isForced: true }
    expect(await writer.revoke(forced, NOW)).toEqual(refuse('state-unavailable'))
    expect(await valueOf(KEY)).toEqual(storedText('soon'))
  })

  test('while a revocation is made to last is told of, never taken for done', async () => {
    await memory.create(KEY, String(NOW - 100), NOW + 10)
    memory.extend = async () => refuse('state-unavailable')
    expect(await revoke()).toEqual(refuse('state-unavailable'))
    expect(await valueOf(KEY)).toEqual(storedText(String(NOW - 100)))
  })

  test('to delete is told of without waiting for replicas, which are waited for otherwise', async () => {
    const settled: string[] = []
    memory.settle = async (key) => {
      settled.push(key)
      return ok(true)
    }
    memory.set(KEY, '1')
    await writer.unrevoke(ALICE)
    expect(settled).toEqual([KEY])
    memory.isDown = true
    await writer.unrevoke(ALICE)
    expect(settled).toEqual([KEY])
  })

  test('after the first command leaves the revocation no weaker', async () => {
    await memory.create(KEY, String(NOW - 100), NOW + 10)
    memory.replace = async () => refuse('state-unavailable')
    expect(await revoke()).toEqual(refuse('state-unavailable'))
    expect(await endOf(KEY)).toBe(NOW + LIFETIME)
  })

  test.each([ok(false), refuse('state-unavailable')])(
    'to replicate is told: %j',
    async (settled) => {
      memory.settle = async () => settled
      expect(await revoke()).toMatchObject(ok({ outcome: 'created', isReplicated: false }))
    },
  )
})
