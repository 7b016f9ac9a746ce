import { beforeAll, describe, expect, it } from 'vitest'
import { CLAIMS, GENERIC, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createFixture, MAX_STALE_SECONDS, reasonOf } from './token-verifier-fixture.ts'

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
    const fixture = createFixture({ issuers: RSA_AND_EC })
    fixture.publish([one, rsa])
    expect(await fixture.reason(mint(one, CLAIMS, { kid: undefined }))).toBe('ok')
    expect(await fixture.reason(mint(rsa, CLAIMS, { kid: undefined }))).toBe('ok')
  })

  it('is not guessed without kid when several fit', async () => {
    const fixture = createFixture()
    fixture.publish([one, two])
    expect(await fixture.reason(mint(one, CLAIMS, { kid: undefined }))).toBe('unknown-key')
  })

  it('is not guessed when two that fit share a kid', async () => {
    const fixture = createFixture()
    fixture.publish([one, { ...two.published, kid: 'one' }])
    expect(await fixture.reason(mint(one, CLAIMS))).toBe('unknown-key')
  })

  it('is told by algorithm where keys of different kinds share a kid', async () => {
    const fixture = createFixture({ issuers: RSA_AND_EC })
    fixture.publish([one, { ...rsa.published, kid: 'one' }])
    expect(await fixture.reason(mint(one, CLAIMS))).toBe('ok')
    expect(await fixture.reason(mint(rsa, CLAIMS, { kid: 'one' }))).toBe('ok')
  })

  it('verifies nothing with an algorithm that the key is not for', async () => {
    const fixture = createFixture({ issuers: [{ ...GENERIC, algorithms: ['RS256', 'PS256'] }] })
    fixture.publish([rsa])
    const token = mint({ ...rsa, algorithm: 'PS256' }, CLAIMS)
    expect(await fixture.reason(token)).toBe('unknown-key')
    fixture.publish([{ ...rsa.published, algorithms: ['RS256', 'PS256'] }])
    expect(await fixture.reason(token)).toBe('ok')
  })
})

describe('an unknown key id', () => {
  it('makes one question, whose answer is tried once', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.refresh = async () => {
      fixture.publish([one, two])
      return 'refreshed'
    }
    expect(await fixture.reason(mint(two, CLAIMS))).toBe('ok')
    expect(fixture.asked).toEqual(['idp'])
  })

  it.each([
    ['refreshed', 'unknown-key'],
    ['cooling-down', 'keys-unavailable'],
    ['failed', 'keys-unavailable'],
  ] as const)('that stays unknown after %s is %s', async (outcome, reason) => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.clock.ms += 1
    fixture.refresh = async () => {
      if (outcome === 'refreshed') fixture.publish([one])
      return outcome
    }
    expect(await fixture.reason(mint(two, CLAIMS))).toBe(reason)
    expect(fixture.asked).toEqual(['idp'])
    expect(fixture.observed).toEqual(['miss', `unknown ${reason}`])
  })

  it('is keys-unavailable while cooling down, until a fetch after its first appearance lacks it', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.clock.ms += 1
    const token = mint(two, CLAIMS)
    expect(await fixture.reason(token)).toBe('keys-unavailable')
    expect(await fixture.reason(token)).toBe('keys-unavailable')
    fixture.clock.ms += 1
    fixture.publish([one])
    expect(await fixture.reason(token)).toBe('unknown-key')
    fixture.clock.ms += 1
    expect(await fixture.reason(token)).toBe('unknown-key')
    expect(await fixture.reason(mint(two, CLAIMS, { kid: 'another' }))).toBe('keys-unavailable')
  })

  it('is not judged by a fetch for another key id that began before it appeared', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.clock.ms += 1
    const { promise, resolve } = Promise.withResolvers<'refreshed'>()
    fixture.refresh = () => promise
    const first = fixture.reason(mint(two, CLAIMS, { kid: 'made up' }))
    fixture.clock.ms += 1
    const rotated = fixture.reason(mint(two, CLAIMS)) // joins the fetch of 1 ms
    fixture.keys.receive({ issuerName: 'idp', keys: [one.published], fetchedAtMonotonicMs: 1 })
    resolve('refreshed')
    expect([await first, await rotated]).toEqual(['unknown-key', 'keys-unavailable'])
  })

  it('is known after a failed refresh when its key came meanwhile', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.refresh = async () => {
      fixture.publish([one, two])
      return 'failed'
    }
    expect(await fixture.reason(mint(two, CLAIMS))).toBe('ok')
  })

  it('is keys-unavailable when the keys ran out while it was asked', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.refresh = async () => {
      fixture.clock.ms += (MAX_STALE_SECONDS + 1) * 1000
      return 'cooling-down'
    }
    expect(await fixture.reason(mint(two, CLAIMS))).toBe('keys-unavailable')
  })

  it('makes one question however many tokens ask at the same time', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    fixture.clock.ms += 1
    const { promise, resolve } = Promise.withResolvers<'cooling-down'>()
    fixture.refresh = () => promise
    const tokens = Array.from({ length: 50 }, (_, n) => mint(two, CLAIMS, { kid: `random-${n}` }))
    const results = tokens.map((token) => fixture.reason(token))
    await Promise.resolve()
    resolve('cooling-down')
    expect(new Set(await Promise.all(results))).toEqual(new Set(['keys-unavailable']))
    expect(fixture.asked).toEqual(['idp'])
  })

  it('is an internal error, and reported, when the question itself fails', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    const failure = new Error('the channel is closed')
    fixture.refresh = () => Promise.reject(failure)
    expect(await fixture.reason(mint(two, CLAIMS))).toBe('internal-error')
    expect(fixture.unexpected).toEqual([failure])
  })
})

describe('without keys', () => {
  it('answers keys-unavailable at once and asks for nothing', () => {
    const fixture = createFixture()
    const result = fixture.verifier.verify(mint(one, CLAIMS), NOW)
    expect(result).toEqual({ ok: false, reason: 'keys-unavailable' })
    expect(fixture.asked).toEqual([])
  })

  it('answers keys-unavailable when the issuer publishes none', async () => {
    const fixture = createFixture()
    fixture.publish([])
    expect(await fixture.reason(mint(one, CLAIMS))).toBe('keys-unavailable')
  })

  it('lets the last good keys count until they are too old, for remembered tokens as well', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    const token = mint(one, CLAIMS)
    fixture.clock.ms = MAX_STALE_SECONDS * 1000
    expect(await fixture.reason(token)).toBe('ok')
    fixture.clock.ms += 1
    expect(await fixture.reason(token)).toBe('keys-unavailable')
    fixture.publish([one])
    expect(await fixture.reason(token)).toBe('ok')
  })

  it('trusts no keys that come from the future, whose age is not known', async () => {
    const fixture = createFixture()
    fixture.clock.ms = 1_000
    fixture.publish([one])
    fixture.clock.ms = 0
    expect(await fixture.reason(mint(one, CLAIMS))).toBe('keys-unavailable')
  })
})

describe('an error that nobody foresaw', () => {
  it('is an internal error with its cause reported, never an allow', async () => {
    const fixture = createFixture()
    // A key that says it verifies ES256 and is another curve: what the adapter never lets through.
    const other = await signingKey('one', 'ES384')
    fixture.publish([{ ...other.published, algorithms: ['ES256'] }])
    const result = await fixture.verifier.verify(mint(one, CLAIMS), NOW)
    expect(reasonOf(result)).toBe('internal-error')
    expect(fixture.unexpected).toHaveLength(1)
  })
})
