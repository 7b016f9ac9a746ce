import { beforeAll, describe, expect, it } from 'vitest'
import { CLAIMS, GENERIC, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createBench, MAX_STALE_SECONDS, reasonOf } from './token-verifier-fixture.ts'

let one: SigningKey
let two: SigningKey
let rsa: SigningKey

beforeAll(async () => {
  one = await signingKey('one')
  two = await signingKey('two')
  rsa = await signingKey('rsa', 'RS256')
})

const RSA_AND_EC = [{ ...GENERIC, algorithms: ['RS256', 'ES256'] as const }]

describe('the key of a token', () => {
  it('is found without kid when exactly one fits', async () => {
    const bench = createBench({ issuers: RSA_AND_EC })
    bench.publish([one, rsa])
    expect(await bench.reason(mint(one, CLAIMS, { kid: undefined }))).toBe('ok')
    expect(await bench.reason(mint(rsa, CLAIMS, { kid: undefined }))).toBe('ok')
  })

  it('is not guessed without kid when several fit', async () => {
    const bench = createBench()
    bench.publish([one, two])
    expect(await bench.reason(mint(one, CLAIMS, { kid: undefined }))).toBe('unknown-key')
  })

  it('is not guessed when two that fit share a kid', async () => {
    const bench = createBench()
    bench.publish([one, { ...two.published, kid: 'one' }])
    expect(await bench.reason(mint(one, CLAIMS))).toBe('unknown-key')
  })

  it('is told by algorithm where keys of different kinds share a kid', async () => {
    const bench = createBench({ issuers: RSA_AND_EC })
    bench.publish([one, { ...rsa.published, kid: 'one' }])
    expect(await bench.reason(mint(one, CLAIMS))).toBe('ok')
    expect(await bench.reason(mint(rsa, CLAIMS, { kid: 'one' }))).toBe('ok')
  })

  it('verifies nothing with an algorithm that the key is not for', async () => {
    const bench = createBench({ issuers: [{ ...GENERIC, algorithms: ['RS256', 'PS256'] }] })
    bench.publish([rsa])
    const token = mint({ ...rsa, algorithm: 'PS256' }, CLAIMS)
    expect(await bench.reason(token)).toBe('unknown-key')
    bench.publish([{ ...rsa.published, algorithms: ['RS256', 'PS256'] }])
    expect(await bench.reason(token)).toBe('ok')
  })
})

describe('an unknown key id', () => {
  it('makes one question, whose answer is tried once', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.refresh = async () => {
      bench.publish([one, two])
      return 'refreshed'
    }
    expect(await bench.reason(mint(two, CLAIMS))).toBe('ok')
    expect(bench.asked).toEqual(['idp'])
  })

  it.each([
    ['refreshed', 'unknown-key'],
    ['cooling-down', 'keys-unavailable'],
    ['failed', 'keys-unavailable'],
  ] as const)('that stays unknown after %s is %s', async (outcome, reason) => {
    const bench = createBench()
    bench.publish([one])
    bench.clock.ms += 1
    bench.refresh = async () => {
      if (outcome === 'refreshed') bench.publish([one])
      return outcome
    }
    expect(await bench.reason(mint(two, CLAIMS))).toBe(reason)
    expect(bench.asked).toEqual(['idp'])
    expect(bench.observed).toEqual(['miss', `unknown ${reason}`])
  })

  it('is keys-unavailable while cooling down, until a fetch after its first appearance lacks it', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.clock.ms += 1
    const token = mint(two, CLAIMS)
    expect(await bench.reason(token)).toBe('keys-unavailable')
    expect(await bench.reason(token)).toBe('keys-unavailable')
    bench.clock.ms += 1
    bench.publish([one])
    expect(await bench.reason(token)).toBe('unknown-key')
    bench.clock.ms += 1
    expect(await bench.reason(token)).toBe('unknown-key')
    expect(await bench.reason(mint(two, CLAIMS, { kid: 'another' }))).toBe('keys-unavailable')
  })

  it('is not judged by a fetch for another key id that began before it appeared', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.clock.ms += 1
    const { promise, resolve } = Promise.withResolvers<'refreshed'>()
    bench.refresh = () => promise
    const first = bench.reason(mint(two, CLAIMS, { kid: 'made up' }))
    bench.clock.ms += 1
    const rotated = bench.reason(mint(two, CLAIMS)) // joins the question, whose fetch began at 1 ms
    bench.keys.receive({ alias: 'idp', keys: [one.published], fetchedAtMonotonicMs: 1 })
    resolve('refreshed')
    expect([await first, await rotated]).toEqual(['unknown-key', 'keys-unavailable'])
  })

  it('is known after a failed refresh when its key came meanwhile', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.refresh = async () => {
      bench.publish([one, two])
      return 'failed'
    }
    expect(await bench.reason(mint(two, CLAIMS))).toBe('ok')
  })

  it('is keys-unavailable when the keys ran out while it was asked', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.refresh = async () => {
      bench.clock.ms += (MAX_STALE_SECONDS + 1) * 1000
      return 'cooling-down'
    }
    expect(await bench.reason(mint(two, CLAIMS))).toBe('keys-unavailable')
  })

  it('makes one question however many tokens ask at the same time', async () => {
    const bench = createBench()
    bench.publish([one])
    bench.clock.ms += 1
    const { promise, resolve } = Promise.withResolvers<'cooling-down'>()
    bench.refresh = () => promise
    const tokens = Array.from({ length: 50 }, (_, n) => mint(two, CLAIMS, { kid: `random-${n}` }))
    const results = tokens.map((token) => bench.reason(token))
    await Promise.resolve()
    resolve('cooling-down')
    expect(new Set(await Promise.all(results))).toEqual(new Set(['keys-unavailable']))
    expect(bench.asked).toEqual(['idp'])
  })

  it('is an internal error, and reported, when the question itself fails', async () => {
    const bench = createBench()
    bench.publish([one])
    const failure = new Error('the channel is closed')
    bench.refresh = () => Promise.reject(failure)
    expect(await bench.reason(mint(two, CLAIMS))).toBe('internal-error')
    expect(bench.unexpected).toEqual([failure])
  })
})

describe('without keys', () => {
  it('answers keys-unavailable at once and asks for nothing', () => {
    const bench = createBench()
    const result = bench.verifier.verify(mint(one, CLAIMS), NOW)
    expect(result).toEqual({ ok: false, reason: 'keys-unavailable' })
    expect(bench.asked).toEqual([])
  })

  it('answers keys-unavailable when the issuer publishes none', async () => {
    const bench = createBench()
    bench.publish([])
    expect(await bench.reason(mint(one, CLAIMS))).toBe('keys-unavailable')
  })

  it('lets the last good keys count until they are too old, for remembered tokens as well', async () => {
    const bench = createBench()
    bench.publish([one])
    const token = mint(one, CLAIMS)
    bench.clock.ms = MAX_STALE_SECONDS * 1000
    expect(await bench.reason(token)).toBe('ok')
    bench.clock.ms += 1
    expect(await bench.reason(token)).toBe('keys-unavailable')
    bench.publish([one])
    expect(await bench.reason(token)).toBe('ok')
  })

  it('trusts no keys that come from the future, whose age is not known', async () => {
    const bench = createBench()
    bench.clock.ms = 1_000
    bench.publish([one])
    bench.clock.ms = 0
    expect(await bench.reason(mint(one, CLAIMS))).toBe('keys-unavailable')
  })
})

describe('an error that nobody foresaw', () => {
  it('is an internal error with its cause reported, never an allow', async () => {
    const bench = createBench()
    // A key that says it verifies ES256 and is another curve: what the adapter never lets through.
    const other = await signingKey('one', 'ES384')
    bench.publish([{ ...other.published, algorithms: ['ES256'] }])
    const result = await bench.verifier.verify(mint(one, CLAIMS), NOW)
    expect(reasonOf(result)).toBe('internal-error')
    expect(bench.unexpected).toHaveLength(1)
  })
})
