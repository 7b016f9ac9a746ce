import { beforeEach, describe, expect, test } from 'vitest'
import { type CacheFixture, createCacheFixture, MAX_STALENESS_MS } from './near-cache-fixture.ts'

const SUBJECT = 'bg:revoked:subject:okta|00u1'
const ALL = 'bg:revoked:all'
const SESSION = `bg:session:${'a'.repeat(64)}`

let fixture: CacheFixture

beforeEach(() => {
  fixture = createCacheFixture()
})

const read = (...keys: readonly string[]) => fixture.read(...keys)

/** Writes a key, and invalidates it like Redis. */
function write(key: string, text: string | null): void {
  if (text === null) void fixture.memory.delete(key)
  else fixture.memory.set(key, text)
  fixture.cache.invalidated([key])
}

function flush(): void {
  fixture.memory.clear()
  fixture.cache.reset('emptied')
}

describe('values at hand', () => {
  test('are asked for once, absent ones too', async () => {
    fixture.memory.set(SUBJECT, '5')
    expect(await read(SUBJECT, ALL)).toEqual(['5', null])
    expect(await read(ALL, SUBJECT)).toEqual([null, '5'])
    expect(await read(SUBJECT)).toEqual(['5'])
    expect(fixture.asked()).toBe(1)
    expect(fixture.counts).toEqual({ hits: 2, misses: 1, invalidated: 0 })
  })

  test('go when Redis says that they changed, and only they', async () => {
    await read(SUBJECT, ALL)
    write(SUBJECT, '7')
    expect(await read(ALL)).toEqual([null])
    expect(await read(SUBJECT)).toEqual(['7'])
    expect(fixture.asked()).toBe(2) // at once, that every worker knows of it
    expect(fixture.counts.invalidated).toBe(1)
  })

  test('go all of them with a reset', async () => {
    await read(SUBJECT)
    await read(ALL)
    fixture.cache.reset('unheard')
    expect(fixture.cache.size).toBe(0)
    await read(SUBJECT)
    expect(fixture.asked()).toBe(3)
  })

  test('do not count while the feed is stale, and count again when it catches up', async () => {
    await read(SUBJECT)
    fixture.memory.set(SUBJECT, '7') // unheard
    fixture.feed.staleness = MAX_STALENESS_MS
    expect(await read(SUBJECT)).toEqual([null])
    fixture.feed.staleness = MAX_STALENESS_MS + 1
    expect(await read(SUBJECT)).toEqual(['7'])
    expect(await read(SUBJECT)).toEqual(['7'])
    expect(fixture.asked()).toBe(3)
  })

  test('are not held before the feed was proven', async () => {
    fixture.feed.staleness = Number.POSITIVE_INFINITY
    await read(SUBJECT)
    expect(fixture.cache.size).toBe(0)
    fixture.feed.staleness = Number.NaN
    await read(SUBJECT)
    expect(fixture.asked()).toBe(2)
  })

  test('are no session that was not found: random ids must not push out real ones', async () => {
    expect(await read(SESSION)).toEqual([null])
    expect(await read(SESSION)).toEqual([null])
    expect(fixture.asked()).toBe(2)
    fixture.memory.set(SESSION, 'record')
    expect(await read(SESSION)).toEqual(['record'])
    expect(await read(SESSION)).toEqual(['record'])
    expect(fixture.asked()).toBe(3)
  })

  test('are bounded in number and size', async () => {
    fixture = createCacheFixture({ bounds: { maxEntries: 3, maxCharacters: 200 } })
    for (let user = 0; user < 10; user++) await read(`bg:revoked:subject:okta|${user}`)
    expect(fixture.cache.size).toBe(3)
    fixture.memory.set(SESSION, 'x'.repeat(300)) // larger than the bound: never held
    await read(SESSION).then(() => read(SESSION))
    expect([fixture.cache.size, fixture.asked()]).toEqual([3, 12])
  })
})

describe('a read that an invalidation overtakes', () => {
  test('is answered, and not held', async () => {
    fixture.isHolding = true
    const early = read(SUBJECT)
    await turn()
    write(SUBJECT, '7')
    fixture.release()
    expect(await early).toEqual([null])
    expect(await read(SUBJECT)).toEqual(['7'])
    expect(fixture.asked()).toBe(2)
  })

  test('is not joined by those who come later', async () => {
    fixture.isHolding = true
    const early = read(SUBJECT)
    const joined = read(SUBJECT)
    await turn()
    write(SUBJECT, '7')
    const late = read(SUBJECT)
    await turn()
    fixture.release()
    expect(await Promise.all([early, joined, late])).toEqual([[null], [null], ['7']])
    expect(fixture.asked()).toBe(2)
    expect(await read(SUBJECT)).toEqual(['7'])
  })

  test.each([
    ['a reset', () => fixture.cache.reset('unheard')],
    ['word of bg:state', () => fixture.cache.invalidated(['bg:state'])],
  ])('nor after %s', async (_, overtake) => {
    fixture.isHolding = true
    const early = read(SUBJECT)
    await turn()
    fixture.memory.set(SUBJECT, '7')
    overtake()
    const late = read(SUBJECT)
    await turn()
    fixture.release()
    expect(await early).toEqual([null])
    expect(await late).toEqual(['7'])
  })

  test('is not held either when it comes back after those who came later', async () => {
    fixture.isHolding = true
    const early = read(SUBJECT)
    await turn()
    write(SUBJECT, '7')
    fixture.isHolding = false
    expect(await read(SUBJECT)).toEqual(['7'])
    write(SUBJECT, '8')
    fixture.release()
    expect(await early).toEqual([null])
    expect(await read(SUBJECT)).toEqual(['8'])
  })

  test('costs nobody else', async () => {
    fixture.isHolding = true
    const early = read(SUBJECT, ALL)
    await turn()
    fixture.cache.invalidated([SUBJECT])
    fixture.release()
    await early
    expect(await read(ALL)).toEqual([null])
    expect(fixture.asked()).toBe(2)
  })

  test('while the feed is stale nobody joins anybody', async () => {
    fixture.feed.staleness = MAX_STALENESS_MS + 1
    fixture.isHolding = true
    const early = read(SUBJECT)
    await turn()
    fixture.memory.set(SUBJECT, '7') // unheard
    const late = read(SUBJECT)
    await turn()
    fixture.release()
    expect(await Promise.all([early, late])).toEqual([[null], ['7']])
  })
})

describe('a revocation that vanished', () => {
  const lost = '{"id":"state-2","since":100}'

  beforeEach(async () => {
    fixture.memory.set(SUBJECT, '9999999999')
    await read(SUBJECT)
  })

  test('is lifted when somebody deleted it', async () => {
    write(SUBJECT, null)
    expect(await read(SUBJECT)).toEqual([null])
  })

  test.each([
    ['with everything else, while bg:state is missing', () => flush()],
    [
      'with everything else, once a loss is recorded',
      () => {
        flush()
        write('bg:state', lost)
      },
    ],
    [
      'behind a bg:state that cannot be read',
      () => {
        flush()
        write('bg:state', 'OK')
      },
    ],
    [
      'when another server took over',
      () => {
        void fixture.memory.delete(SUBJECT) // with it
        fixture.feed.server = 'server-2'
        fixture.cache.reset('unheard')
      },
    ],
    [
      'while it is not known which server answers',
      () => {
        fixture.feed.server = null
        write(SUBJECT, null)
      },
    ],
    [
      'when the server took over the data of another, or a part of a Cluster was flushed',
      () => {
        void fixture.memory.delete(SUBJECT)
        fixture.cache.reset('emptied')
      },
    ],
  ])('stays %s', async (_, happens) => {
    happens()
    expect(await read(SUBJECT)).toEqual(['9999999999'])
    expect(await read(SUBJECT)).toEqual(['9999999999'])
  })

  test('stays when the server is another one by the time that the read comes back', async () => {
    void fixture.memory.delete(SUBJECT)
    fixture.feed.server = 'server-2'
    fixture.cache.reset('unheard')
    fixture.isHolding = true
    const early = read(SUBJECT)
    await turn()
    fixture.feed.server = 'server-1'
    fixture.release()
    expect(await early).toEqual(['9999999999'])
  })

  test('is known from when it is made, though nobody asked since', async () => {
    write('bg:revoked:token:okta|other', '1')
    await turn()
    void fixture.memory.delete('bg:revoked:token:okta|other')
    fixture.feed.server = 'server-2'
    fixture.cache.reset('unheard')
    expect(await read('bg:revoked:token:okta|other')).toEqual(['1'])
  })

  test.each(['unheard', 'emptied'] as const)(
    'can be lifted once the server that took over was seen to have it: %s',
    async (why) => {
      fixture.feed.server = 'server-2'
      fixture.cache.reset(why)
      await turn()
      write(SUBJECT, null)
      expect(await read(SUBJECT)).toEqual([null])
    },
  )

  test('was lifted while the feed was away, by the same server', async () => {
    void fixture.memory.delete(SUBJECT)
    fixture.cache.reset('unheard')
    expect(await read(SUBJECT)).toEqual([null])
  })

  test('is gone when an operator accepts the loss', async () => {
    flush()
    write('bg:state', lost)
    await read(SUBJECT)
    write('bg:state', '{"id":"state-2","since":0}')
    fixture.cache.reset('unheard')
    expect(await read(SUBJECT)).toEqual([null])
  })

  test('can be set and lifted again after a loss', async () => {
    flush()
    write('bg:state', lost)
    write(SUBJECT, '5')
    expect(await read(SUBJECT)).toEqual(['5'])
    write(SUBJECT, null)
    expect(await read(SUBJECT)).toEqual([null])
  })
})

test('every cached value goes when bg:state is another one', async () => {
  await read(SUBJECT)
  fixture.memory.set(SUBJECT, '7')
  fixture.memory.set('bg:state', '{"id":"state-2","since":0}')
  await read(ALL) // finds the other state, though the feed said nothing
  expect(await read(SUBJECT)).toEqual(['7'])
})

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
