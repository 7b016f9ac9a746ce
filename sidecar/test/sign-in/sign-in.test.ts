import { beforeEach, describe, expect, it } from 'vitest'
import { ok, type Result, refuse } from '../../src/domain/result.ts'
import type { Standing } from '../../src/revocation/revocation-view.ts'
import { createRecordCipher } from '../../src/session/record-cipher.ts'
import type { ProviderAnswer, ProviderTokens } from '../../src/sign-in/openid-provider.ts'
import type { Browser } from '../../src/sign-in/sign-in.ts'
import { CIPHER, SESSION_KEY_BYTES } from '../support/session-fixture.ts'
import { NOW } from '../verify/token-fixture.ts'
import { browser, CLIENT, createSigningIn, type SigningIn } from './sign-in-fixture.ts'

let bench: SigningIn

beforeEach(async () => {
  bench = await createSigningIn()
})

describe('a completed sign-in', () => {
  it('is a session of the person, as the tokens say', async () => {
    expect(await bench.session()).toMatchObject({
      kind: 'browser',
      tier: 'internal',
      principal: {
        issuer: 'idp',
        subject: 'alice',
        clientId: CLIENT,
        groups: ['from-access'],
        tokenId: 'token-1',
      },
      signInSeconds: NOW,
      createdAtSeconds: NOW,
      expiresAtSeconds: NOW + 28_800,
      accessToken: { expiresAtSeconds: NOW + 3000 },
      refreshToken: 'refresh',
      sourceIp: '192.0.2.1',
      userAgent: 'Firefox',
    })
  })

  it('keeps an access token that is for the sign-in’s client, which no caller could present', async () => {
    const accessToken = bench.accessToken({ aud: CLIENT })
    bench.given = (nonce) => bench.tokens(nonce, { accessToken })
    expect((await bench.session()).accessToken?.token).toBe(accessToken)
  })

  it('keeps no access token that is bound to a key', async () => {
    const accessToken = bench.accessToken({ cnf: { jkt: 'x' } })
    bench.given = (nonce) => bench.tokens(nonce, { accessToken })
    expect((await bench.session()).accessToken).toBeNull()
  })

  it('has the groups of the ID token where that lists them, be it none', async () => {
    bench.given = (nonce) => bench.tokens(nonce, {}, { groups: [] })
    expect((await bench.session()).principal.groups).toEqual([])
  })

  it('is as old as the person last proved who they are', async () => {
    bench.given = (nonce) => bench.tokens(nonce, {}, { auth_time: NOW - 500 })
    expect((await bench.session()).signInSeconds).toBe(NOW - 500)
  })

  it('ends with its access token when that cannot be refreshed', async () => {
    bench.given = (nonce) => bench.tokens(nonce, { refreshToken: null })
    expect((await bench.session()).expiresAtSeconds).toBe(NOW + 3000)
  })

  it('keeps no access token that does not verify, where the workspace gets another', async () => {
    bench.given = (nonce) => bench.tokens(nonce, { accessToken: 'opaque', refreshToken: null })
    const { accessToken, expiresAtSeconds } = await bench.session()
    expect({ accessToken, expiresAtSeconds }).toEqual({
      accessToken: null,
      expiresAtSeconds: NOW + 28_800,
    })
    expect(bench.told).toEqual(['unusable malformed-token'])
  })

  it('has the e-mail of the ID token, else that of the access token', async () => {
    const accessToken = bench.accessToken({ email: 'access@example.com' })
    bench.given = (nonce) => bench.tokens(nonce, { accessToken }, { email: 'id@example.com' })
    expect((await bench.session()).principal.email).toBe('id@example.com')
    bench.given = (nonce) => bench.tokens(nonce, { accessToken })
    expect((await bench.session()).principal.email).toBe('access@example.com')
  })
})

describe('where the access token goes to the workspace, a sign-in fails whose token', () => {
  it.each<[string, () => string, string]>([
    ['is for another audience', () => bench.accessToken({ aud: 'other' }), 'wrong-audience'],
    ['is no JWT', () => 'opaque', 'malformed-token'],
    ['has ended', () => bench.accessToken({ exp: NOW - 100 }), 'token-expired'],
  ])('%s', async (_, accessToken, reason) => {
    bench = await createSigningIn(true)
    bench.given = (nonce) => bench.tokens(nonce, { accessToken: accessToken() })
    expect(await bench.complete(await bench.begun())).toEqual({
      ok: false,
      failure: 'unusable',
      reason,
    })
    expect(bench.told).toContain(`unverified ${reason}`)
    bench.given = (nonce) => bench.tokens(nonce)
    expect(await bench.complete(await bench.begun())).toMatchObject({ ok: true })
  })
})

describe('nobody is signed in', () => {
  const refused = { ok: false, failure: 'no-transaction' }

  it('later than ten minutes', async () => {
    expect(await bench.complete(await bench.begun(), NOW + 600)).toEqual(refused)
    expect(bench.redeemed).toBe(0)
  })

  it('twice: not by the cookie, and not by a copy that a browser kept', async () => {
    const cookie = await bench.begun()
    expect(await bench.callback(browser(cookie))).toMatchObject({
      outcome: { ok: true },
      outdated: cookie.name,
    })
    expect(await bench.complete(cookie)).toEqual({ ok: false, failure: 'spent' })
    expect(await bench.complete(null)).toEqual({ ok: false, failure: 'spent' })
    expect(bench.redeemed).toBe(1)
  })

  it('by more than one of those who come with one cookie at once', async () => {
    const cookie = await bench.begun()
    const all = await Promise.all([1, 2, 3, 4].map(() => bench.complete(cookie)))
    expect(all.filter(({ ok }) => ok)).toHaveLength(1)
    expect(bench.redeemed).toBe(1)
  })

  it('by a browser without the cookie of this very sign-in (login CSRF)', async () => {
    const cookie = await bench.begun()
    const { state } = bench.asked
    const own = await bench.begun()
    for (const signIns of [[], [own], [{ ...own, name: cookie.name }], [cookie, cookie]]) {
      expect((await bench.callback(browser(...signIns), NOW, state)).outcome).toEqual(refused)
    }
    const external: Browser = { ...browser(cookie), tier: 'external' }
    expect((await bench.callback(external, NOW, state)).outcome).toEqual(refused)
    expect(bench.redeemed).toBe(0)
    expect(await bench.complete(cookie, NOW, state)).toMatchObject({ ok: true }) // still unused
  })

  it('by a cookie that was edited, or sealed for another use or by another key', async () => {
    const cookie = await bench.begun()
    const plaintext = await createRecordCipher([SESSION_KEY_BYTES], 'bg-signin').decrypt(
      cookie.value,
    )
    const forged = [
      `${cookie.value.slice(0, -2)}AA`,
      await CIPHER.encrypt(plaintext ?? ''),
      await createRecordCipher([new Uint8Array(32).fill(9)], 'bg-signin').encrypt(plaintext ?? ''),
      'x'.repeat(100_000),
      '',
    ]
    for (const value of forged) expect(await bench.complete({ ...cookie, value })).toEqual(refused)
    expect(await bench.complete(cookie)).toMatchObject({ ok: true })
  })

  it('without a state of our form, and then nothing is looked up', async () => {
    const cookie = await bench.begun()
    bench.memory.isDown = true
    for (const state of ['', 'x', `${bench.asked.state}x`, '__proto__']) {
      expect(await bench.complete(cookie, NOW, state)).toEqual(refused)
    }
  })

  it('by a state that comes twice, and the sign-in can be completed afterwards', async () => {
    const cookie = await bench.begun()
    const { state } = bench.asked
    expect(await bench.complete(cookie, NOW, [state, state])).toEqual(refused)
    expect(await bench.complete(cookie, NOW, [state, 'x'])).toEqual(refused)
    expect(bench.redeemed).toBe(0)
    expect(await bench.complete(cookie)).toMatchObject({ ok: true })
  })

  it.each<[string, (nonce: string) => ProviderAnswer<ProviderTokens>, string]>([
    ['the nonce is another', () => bench.tokens('other'), 'malformed-token'],
    [
      'there is no nonce',
      (nonce) => bench.tokens(nonce, {}, { nonce: undefined }),
      'malformed-token',
    ],
    ['there is no ID token', (nonce) => bench.tokens(nonce, { idToken: null }), 'malformed-token'],
    [
      'the tokens differ in the person',
      (nonce) => bench.tokens(nonce, {}, { sub: 'bob' }),
      'wrong-token-type',
    ],
    [
      'groups are elsewhere and nothing lists them',
      (nonce) => bench.tokens(nonce, { accessToken: 'x' }, { _claim_names: { groups: 's' } }),
      'groups-unknown',
    ],
  ])('when %s', async (_, answer, reason) => {
    bench.given = answer
    expect(await bench.complete(await bench.begun())).toEqual({ ok: false, failure: 'unverified' })
    expect(bench.told).toContain(`unverified ${reason}`)
  })

  it.each(['unavailable', 'refused', 'invalid-grant'] as const)(
    'when the provider answers %s',
    async (failure) => {
      bench.given = () => ({ ok: false, failure })
      const expected = failure === 'unavailable' ? 'unavailable' : 'refused'
      expect(await bench.complete(await bench.begun())).toEqual({ ok: false, failure: expected })
      bench.location = { ok: false, failure }
      expect(await bench.beginning()).toEqual({ ok: false, failure: expected })
    },
  )

  it.each<[string, () => Partial<ProviderTokens>]>([
    ['ID token', () => ({ idToken: bench.accessToken({ aud: CLIENT }, { kid: 'new' }) })],
    ['access token', () => ({ accessToken: bench.accessToken({}, { kid: 'new' }) })],
  ])('while the key of the %s cannot be fetched, and no token is blamed', async (_, changes) => {
    bench.given = (nonce) => bench.tokens(nonce, changes())
    const unavailable = { ok: false, failure: 'unavailable' }
    expect(await bench.complete(await bench.begun())).toEqual(unavailable)
    expect(bench.told).toEqual([])
  })

  it('while Redis takes no session', async () => {
    bench.given = (nonce) => {
      bench.memory.isDown = true
      return bench.tokens(nonce)
    }
    const unavailable = { ok: false, failure: 'unavailable' }
    expect(await bench.complete(await bench.begun())).toEqual(unavailable)
  })

  it.each<[string, Result<Standing>, string]>([
    ['whose access was ended since', refuse('token-revoked'), 'revoked'],
    ['while revocations may be lost', refuse('state-lost'), 'revoked'],
    ['while nobody can tell', refuse('state-unavailable'), 'unavailable'],
    ['who is new, during an outage', ok({ isFromOutage: true }), 'unavailable'],
  ])('%s', async (_, result, failure) => {
    bench.standing = result
    expect(await bench.complete(await bench.begun())).toEqual({ ok: false, failure })
  })

  it('while Redis does not answer, and the sign-in can be completed afterwards', async () => {
    const cookie = await bench.begun()
    bench.memory.isDown = true
    expect(await bench.callback(browser(cookie))).toMatchObject({
      outcome: { ok: false, failure: 'unavailable' },
      outdated: null,
    })
    expect(await bench.complete(null)).toEqual({ ok: false, failure: 'unavailable' })
    expect(bench.redeemed).toBe(0)
    bench.memory.isDown = false
    expect(await bench.complete(cookie)).toMatchObject({ ok: true })
  })
})
