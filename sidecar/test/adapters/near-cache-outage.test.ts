import { beforeEach, describe, expect, test } from 'vitest'
import { refuse } from '../../src/domain/result.ts'
import { createNearCacheBench, MAX_STALENESS_MS, type NearCacheBench } from './near-cache-bench.ts'

const SUBJECT = 'bg:revoked:subject:okta|00u1'
const ALL = 'bg:revoked:all'
const UNAVAILABLE = refuse('state-unavailable')

let bench: NearCacheBench

beforeEach(() => {
  bench = createNearCacheBench()
})

const read = (...keys: readonly string[]) => bench.read(...keys)

describe('an outage', () => {
  test('refuses, when nothing else was configured', async () => {
    await read(SUBJECT)
    bench.memory.isDown = true
    bench.feed.staleness = MAX_STALENESS_MS
    expect(await read(SUBJECT)).toEqual([null])
    bench.feed.staleness = MAX_STALENESS_MS + 1
    expect(await bench.cache.read([SUBJECT])).toEqual(UNAVAILABLE)
  })

  test('serves who was known, marked, for as long as configured, and nobody new', async () => {
    bench = createNearCacheBench({ serveKnownForMs: 30_000 })
    bench.memory.set(ALL, '5')
    await read(SUBJECT, ALL)
    bench.memory.isDown = true
    bench.feed.staleness = 30_000
    const known = await bench.cache.read([SUBJECT, ALL])
    expect(known.ok && known.value.isFromOutage).toBe(true)
    expect(await read(SUBJECT, ALL)).toEqual([null, '5'])
    expect(await read(SUBJECT, 'bg:revoked:subject:okta|other')).toBe('state-unavailable')
    bench.feed.staleness = 30_001
    expect(await read(SUBJECT, ALL)).toBe('state-unavailable')
  })

  test.each([
    ['was revoked', () => bench.memory.set(SUBJECT, '7')],
    ['was lost to a flush', () => bench.memory.clear()],
    ['is of another state', () => bench.memory.set('bg:state', '{"id":"state-2","since":0}')],
  ])('serves nobody of whom Redis said since that it %s', async (_, happens) => {
    bench = createNearCacheBench({ serveKnownForMs: 30_000 })
    bench.memory.set(ALL, '5')
    await read(SUBJECT, ALL)
    bench.feed.staleness = MAX_STALENESS_MS + 1
    happens() // unheard
    await read(SUBJECT, ALL)
    bench.memory.isDown = true
    expect(await read(SUBJECT, ALL)).toBe('state-unavailable')
  })

  test('is none while Redis answers, however stale the feed', async () => {
    bench = createNearCacheBench({ serveKnownForMs: 30_000 })
    await read(SUBJECT)
    bench.memory.set(SUBJECT, '7') // unheard
    bench.feed.staleness = 29_000
    const reading = await bench.cache.read([SUBJECT])
    expect(reading.ok && reading.value).toMatchObject({
      isFromOutage: false,
      values: [{ kind: 'text', text: '7' }],
    })
  })
})
