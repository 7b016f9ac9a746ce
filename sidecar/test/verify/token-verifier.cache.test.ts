import { beforeAll, describe, expect, it } from 'vitest'
import { CLAIMS, mint, NOW, type SigningKey, signingKey } from './token-fixture.ts'
import { createFixture, type Fixture } from './token-verifier-fixture.ts'

let one: SigningKey
let two: SigningKey

beforeAll(async () => {
  one = await signingKey('one')
  two = await signingKey('two')
})

/** A bench that has verified `token` once, and forgot what it observed. */
async function warm(token: string): Promise<Fixture> {
  const fixture = createFixture()
  fixture.publish([one, two])
  expect(await fixture.reason(token)).toBe('ok')
  fixture.observed.length = 0
  return fixture
}

describe('a token verified before', () => {
  it('is refused each time when its claims are', async () => {
    const fixture = await warm(mint(one, CLAIMS))
    const token = mint(one, { ...CLAIMS, aud: 'other' })
    for (let times = 0; times < 3; times += 1) {
      expect(await fixture.reason(token)).toBe('wrong-audience')
    }
    expect(fixture.unexpected).toEqual([])
  })

  it('is answered at once, from memory', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    expect(fixture.verifier.verify(token, NOW)).toMatchObject({
      ok: true,
      value: { subject: 'alice' },
    })
    expect(fixture.observed).toEqual(['hit', 'idp ok'])
  })

  it.each([
    ['a moment before its end', 3_599.9, 'ok'],
    ['at its end and its leeway’s', 3_660, 'token-expired'],
    ['after the clock was set back', -66, 'token-not-yet-valid'],
  ])('is judged by the clock %s', async (_, seconds, reason) => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    expect(await fixture.reason(token, NOW + seconds)).toBe(reason)
    expect(fixture.observed).toEqual(['hit', `idp ${reason}`])
  })

  it('is judged by nbf, and accepted once that has come', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    const token = mint(one, { ...CLAIMS, nbf: NOW + 120 })
    expect(await fixture.reason(token, NOW)).toBe('token-not-yet-valid')
    expect(await fixture.reason(token, NOW + 60)).toBe('ok')
    expect(await fixture.reason(token, NOW)).toBe('token-not-yet-valid')
  })

  it('does not verify any more when its key was withdrawn', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    fixture.publish([two])
    expect(await fixture.reason(token)).toBe('unknown-key')
  })

  it('does not verify any more when its key was replaced under the same kid', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    const successor = await signingKey('one')
    fixture.publish([successor, two])
    expect(await fixture.reason(token)).toBe('bad-signature')
  })

  it('does not verify any more when its key may not be used for its algorithm any more', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    fixture.publish([{ ...one.published, algorithms: [] }, two])
    expect(await fixture.reason(token)).toBe('unknown-key')
  })

  it('does not verify any more when the issuer withdrew every key, then published others', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    fixture.publish([])
    expect(await fixture.reason(token)).toBe('keys-unavailable')
    fixture.publish([two])
    expect(await fixture.reason(token)).toBe('unknown-key')
  })

  it('is verified again when another key of its issuer was withdrawn', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    fixture.publish([one])
    expect(await fixture.reason(token)).toBe('ok')
    expect(fixture.observed).toEqual(['miss', 'idp ok'])
  })

  it('stays remembered when keys were fetched again, reordered or added', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    fixture.publish([two, one])
    expect(await fixture.reason(token)).toBe('ok')
    fixture.publish([two, one, await signingKey('three')])
    expect(await fixture.reason(token)).toBe('ok')
    expect(fixture.observed).toEqual(['hit', 'idp ok', 'hit', 'idp ok'])
  })
})

describe('a verification that keys overtook', () => {
  it('does not enter the cache, and is not joined by later ones', async () => {
    const fixture = createFixture()
    fixture.publish([one, two])
    const token = mint(one, CLAIMS)
    const before = fixture.reason(token)
    fixture.publish([two])
    const after = fixture.reason(token)
    expect(await before).toBe('ok')
    expect(await after).toBe('unknown-key')
    expect(await fixture.reason(token)).toBe('unknown-key')
    fixture.publish([one, two])
    fixture.observed.length = 0
    expect(await fixture.reason(token)).toBe('ok')
    expect(fixture.observed).toEqual(['miss', 'idp ok'])
  })

  it('does not enter the cache when its key came back meanwhile', async () => {
    const fixture = createFixture()
    fixture.publish([one, two])
    const token = mint(one, CLAIMS)
    const before = fixture.reason(token)
    fixture.publish([two])
    await fixture.reason('e30.e30.')
    expect(fixture.keys.current('idp')?.keys).toHaveLength(1)
    void fixture.verifier.verify(mint(two, CLAIMS), NOW)
    fixture.publish([one, two])
    expect(await before).toBe('ok')
    fixture.observed.length = 0
    expect(await fixture.reason(token)).toBe('ok')
    expect(fixture.observed).toContain('miss')
  })
})

describe('a verification that keys overtook while it waited for them', () => {
  it('takes no room in the cache', async () => {
    const fixture = createFixture({ cacheSize: 1 })
    fixture.publish([one])
    const { promise, resolve } = Promise.withResolvers<'refreshed'>()
    fixture.refresh = () => promise
    const overtaken = fixture.reason(mint(two, CLAIMS))
    fixture.publish([two])
    const later = mint(two, { ...CLAIMS, sub: 'bob' })
    expect(await fixture.reason(later)).toBe('ok')
    resolve('refreshed')
    expect(await overtaken).toBe('ok')
    fixture.observed.length = 0
    expect(await fixture.reason(later)).toBe('ok')
    expect(fixture.observed).toEqual(['hit', 'idp ok'])
  })
})

describe('verifications of the same token at the same time', () => {
  it('share one, each judged by its own clock', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    let questions = 0
    fixture.refresh = async () => {
      questions += 1
      fixture.publish([one, two])
      return 'refreshed'
    }
    const token = mint(two, CLAIMS)
    const reasons = [0, 0, 3_660].map((seconds) => fixture.reason(token, NOW + seconds))
    expect(await Promise.all(reasons)).toEqual(['ok', 'ok', 'token-expired'])
    expect(questions).toBe(1)
  })

  it('of different tokens never meet (CVE-2026-71326)', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    const subjects = Array.from({ length: 40 }, (_, n) => `user-${n}`)
    const tokens = subjects.flatMap((sub) => Array<string>(2).fill(mint(one, { ...CLAIMS, sub })))
    const answers = tokens.map(async (token) => fixture.verifier.verify(token, NOW))
    const seen = (await Promise.all(answers)).map((result) => result.ok && result.value.subject)
    expect(seen).toEqual(subjects.flatMap((sub) => [sub, sub]))
  })

  it('leave nothing behind of a refusal', async () => {
    const fixture = createFixture()
    fixture.publish([one])
    const token = mint(two, CLAIMS)
    expect(await fixture.reason(token)).toBe('unknown-key')
    fixture.publish([one, two])
    expect(await fixture.reason(token)).toBe('ok')
  })

  it('never take the header and claims of a good token for its signature', async () => {
    const token = mint(one, CLAIMS)
    const fixture = await warm(token)
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`
    expect(await fixture.reason(forged)).toBe('bad-signature')
  })
})

describe('the size of the cache', () => {
  it('bounds what is remembered', async () => {
    const fixture = createFixture({ cacheSize: 2 })
    fixture.publish([one])
    const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((sub) => mint(one, { ...CLAIMS, sub }))
    for (const token of [a, b, c]) await fixture.reason(token)
    fixture.observed.length = 0
    for (const token of [c, a]) await fixture.reason(token)
    expect(fixture.observed).toEqual(['hit', 'idp ok', 'miss', 'idp ok'])
  })
})
