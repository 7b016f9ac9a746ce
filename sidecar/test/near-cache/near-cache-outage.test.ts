import { beforeEach, describe, expect, test } from 'vitest'
import { refuse } from '../../src/domain/result.ts'
import { type CacheFixture, createCacheFixture, MAX_STALENESS_MS } from './near-cache-fixture.ts'

const SUBJECT = 'bg:revoked:subject:okta|00u1'
const ALL = 'bg:revoked:all'
const UNAVAILABLE = refuse('state-unavailable')

let fixture: CacheFixture

beforeEach(() => {
  fixture = createCacheFixture()
})

const read = (...keys: readonly string[]) => fixture.read(...keys)

describe('an outage', () => {
  test('refuses, when nothing else was configured', async () => {
    await read(SUBJECT)
    fixture.memory.isDown = true
    fixture.feed.staleness = MAX_STALENESS_MS
    expect(await read(SUBJECT)).toEqual([null])
    fixture.feed.staleness = MAX_STALENESS_MS + 1
    expect(await fixture.cache.read([SUBJECT])).toEqual(UNAVAILABLE)
  })

  test('serves who was known, marked, for as long as configured, and nobody new', async () => {
    fixture = createCacheFixture({ serveKnownForMs: 30_000 })
    fixture.memory.set(ALL, '5')
    await read(SUBJECT, ALL)
    fixture.memory.isDown = true
    fixture.feed.staleness = 30_000
    const known = await fixture.cache.read([SUBJECT, ALL])
    expect(known.ok && known.value.isFromOutage).toBe(true)
    expect(await read(SUBJECT, ALL)).toEqual([null, '5'])
    expect(await read(SUBJECT, 'bg:revoked:subject:okta|other')).toBe('state-unavailable')
    fixture.feed.staleness = 30_001
    expect(await read(SUBJECT, ALL)).toBe('state-unavailable')
  })

  test.each([
    ['was revoked', () => fixture.memory.set(SUBJECT, '7')],
    ['was lost to a flush', () => fixture.memory.clear()],
    ['is of another state', () => fixture.memory.set('bg:state', '{"id":"state-2","since":0}')],
  ])('serves nobody of whom Redis said since that it %s', async (_, happens) => {
    fixture = createCacheFixture({ serveKnownForMs: 30_000 })
    fixture.memory.set(ALL, '5')
    await read(SUBJECT, ALL)
    fixture.feed.staleness = MAX_STALENESS_MS + 1
    happens() // unheard
    await read(SUBJECT, ALL)
    fixture.memory.isDown = true
    expect(await read(SUBJECT, ALL)).toBe('state-unavailable')
  })

  test('is none while Redis answers, however stale the feed', async () => {
    fixture = createCacheFixture({ serveKnownForMs: 30_000 })
    await read(SUBJECT)
    fixture.memory.set(SUBJECT, '7') // unheard
    fixture.feed.staleness = 29_000
    const reading = await fixture.cache.read([SUBJECT])
    expect(reading.ok && reading.value).toMatchObject({
      isFromOutage: false,
      values: [{ kind: 'text', text: '7' }],
    })
  })
})
