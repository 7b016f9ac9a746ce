import { beforeEach, describe, expect, it } from 'vitest'
import { ok, type Result, refuse } from '../../src/domain/result.ts'
import type { Unrevoked } from '../../src/revocation/revocation-view.ts'
import { createRecordCipher } from '../../src/session/record-cipher.ts'
import type { ProviderAnswer, ProviderTokens } from '../../src/sign-in/openid-provider.ts'
import type { Browser } from '../../src/sign-in/sign-in.ts'
import { CIPHER, SESSION_KEY_BYTES } from '../support/session-fixture.ts'
import { NOW } from '../verify/token-fixture.ts'
import { browser, CLIENT, createSignInFixture, type SignInFixture } from './sign-in-fixture.ts'

let fixture: SignInFixture

beforeEach(async () => {
  fixture = await createSignInFixture()
})

describe('a completed sign-in', () => {
  it('is a session of the person, as the tokens say', async () => {
    expect(await fixture.session()).toMatchObject({
      kind: 'browser',
      tier: 'internal',
      principal: {
        issuerName: 'idp',
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
    const accessToken = fixture.accessToken({ aud: CLIENT })
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken })
    expect((await fixture.session()).accessToken?.token).toBe(accessToken)
  })

  it('keeps no access token that is bound to a key', async () => {
    const accessToken = fixture.accessToken({ cnf: { jkt: 'x' } })
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken })
    expect((await fixture.session()).accessToken).toBeNull()
  })

  it('has the groups of the ID token where that lists them, be it none', async () => {
    fixture.given = (nonce) => fixture.tokens(nonce, {}, { groups: [] })
    expect((await fixture.session()).principal.groups).toEqual([])
  })

  it('is as old as the person last proved who they are', async () => {
    fixture.given = (nonce) => fixture.tokens(nonce, {}, { auth_time: NOW - 500 })
    expect((await fixture.session()).signInSeconds).toBe(NOW - 500)
  })

  it('ends with its access token when that cannot be refreshed', async () => {
    fixture.given = (nonce) => fixture.tokens(nonce, { refreshToken: null })
    expect((await fixture.session()).expiresAtSeconds).toBe(NOW + 3000)
  })

  it('keeps no access token that does not verify, where the workspace gets another', async () => {
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken: 'opaque', refreshToken: null })
    const { accessToken, expiresAtSeconds } = await fixture.session()
    expect({ accessToken, expiresAtSeconds }).toEqual({
      accessToken: null,
      expiresAtSeconds: NOW + 28_800,
    })
    expect(fixture.reported).toEqual(['unusable malformed-token'])
  })

  it('has the e-mail of the ID token, else that of the access token', async () => {
    const accessToken = fixture.accessToken({ email: 'access@example.com' })
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken }, { email: 'id@example.com' })
    expect((await fixture.session()).principal.email).toBe('id@example.com')
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken })
    expect((await fixture.session()).principal.email).toBe('access@example.com')
  })
})

describe('where the access token goes to the workspace, a sign-in fails whose token', () => {
  it.each<[string, () => string, string]>([
    ['is for another audience', () => fixture.accessToken({ aud: 'other' }), 'wrong-audience'],
    ['is no JWT', () => 'opaque', 'malformed-token'],
    ['has ended', () => fixture.accessToken({ exp: NOW - 100 }), 'token-expired'],
  ])('%s', async (_, accessToken, reason) => {
    fixture = await createSignInFixture(true)
    fixture.given = (nonce) => fixture.tokens(nonce, { accessToken: accessToken() })
    expect(await fixture.complete(await fixture.begun())).toEqual({
      ok: false,
      failure: 'unusable',
      reason,
    })
    expect(fixture.reported).toContain(`unverified ${reason}`)
    fixture.given = (nonce) => fixture.tokens(nonce)
    expect(await fixture.complete(await fixture.begun())).toMatchObject({ ok: true })
  })
})

describe('nobody is signed in', () => {
  const refused = { ok: false, failure: 'no-transaction' }

  it('later than ten minutes', async () => {
    expect(await fixture.complete(await fixture.begun(), NOW + 600)).toEqual(refused)
    expect(fixture.redeemed).toBe(0)
  })

  it('twice: not by the cookie, and not by a copy that a browser kept', async () => {
    const cookie = await fixture.begun()
    expect(await fixture.callback(browser(cookie))).toMatchObject({
      outcome: { ok: true },
      outdated: cookie.name,
    })
    expect(await fixture.complete(cookie)).toEqual({ ok: false, failure: 'spent' })
    expect(await fixture.complete(null)).toEqual({ ok: false, failure: 'spent' })
    expect(fixture.redeemed).toBe(1)
  })

  it('by more than one of those who come with one cookie at once', async () => {
    const cookie = await fixture.begun()
    const all = await Promise.all([1, 2, 3, 4].map(() => fixture.complete(cookie)))
    expect(all.filter(({ ok }) => ok)).toHaveLength(1)
    expect(fixture.redeemed).toBe(1)
  })

  it('by a browser without the cookie of this very sign-in (login CSRF)', async () => {
    const cookie = await fixture.begun()
    const { state } = fixture.asked
    const own = await fixture.begun()
    for (const signIns of [[], [own], [{ ...own, name: cookie.name }], [cookie, cookie]]) {
      expect((await fixture.callback(browser(...signIns), NOW, state)).outcome).toEqual(refused)
    }
    const external: Browser = { ...browser(cookie), tier: 'external' }
    expect((await fixture.callback(external, NOW, state)).outcome).toEqual(refused)
    expect(fixture.redeemed).toBe(0)
    expect(await fixture.complete(cookie, NOW, state)).toMatchObject({ ok: true }) // still unused
  })

  it('by a cookie that was edited, or sealed for another use or by another key', async () => {
    const cookie = await fixture.begun()
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
    for (const value of forged)
      expect(await fixture.complete({ ...cookie, value })).toEqual(refused)
    expect(await fixture.complete(cookie)).toMatchObject({ ok: true })
  })

  it('without a state of our form, and then nothing is looked up', async () => {
    const cookie = await fixture.begun()
    fixture.memory.isDown = true
    for (const state of ['', 'x', `${fixture.asked.state}x`, '__proto__']) {
      expect(await fixture.complete(cookie, NOW, state)).toEqual(refused)
    }
  })

  it('by a state that comes twice, and the sign-in can be completed afterwards', async () => {
    const cookie = await fixture.begun()
    const { state } = fixture.asked
    expect(await fixture.complete(cookie, NOW, [state, state])).toEqual(refused)
    expect(await fixture.complete(cookie, NOW, [state, 'x'])).toEqual(refused)
    expect(fixture.redeemed).toBe(0)
    expect(await fixture.complete(cookie)).toMatchObject({ ok: true })
  })

  it.each<[string, (nonce: string) => ProviderAnswer<ProviderTokens>, string]>([
    ['the nonce is another', () => fixture.tokens('other'), 'malformed-token'],
    [
      'there is no nonce',
      (nonce) => fixture.tokens(nonce, {}, { nonce: undefined }),
      'malformed-token',
    ],
    [
      'there is no ID token',
      (nonce) => fixture.tokens(nonce, { idToken: null }),
      'malformed-token',
    ],
    [
      'the tokens differ in the person',
      (nonce) => fixture.tokens(nonce, {}, { sub: 'bob' }),
      'wrong-token-type',
    ],
    [
      'groups are elsewhere and nothing lists them',
      (nonce) => fixture.tokens(nonce, { accessToken: 'x' }, { _claim_names: { groups: 's' } }),
      'groups-unknown',
    ],
  ])('when %s', async (_, answer, reason) => {
    fixture.given = answer
    expect(await fixture.complete(await fixture.begun())).toEqual({
      ok: false,
      failure: 'unverified',
    })
    expect(fixture.reported).toContain(`unverified ${reason}`)
  })

  it.each(['unavailable', 'refused', 'invalid-grant'] as const)(
    'when the provider answers %s',
    async (failure) => {
      fixture.given = () => ({ ok: false, failure })
      const expected = failure === 'unavailable' ? 'unavailable' : 'refused'
      expect(await fixture.complete(await fixture.begun())).toEqual({
        ok: false,
        failure: expected,
      })
      fixture.location = { ok: false, failure }
      expect(await fixture.beginning()).toEqual({ ok: false, failure: expected })
    },
  )

  it.each<[string, () => Partial<ProviderTokens>]>([
    ['ID token', () => ({ idToken: fixture.accessToken({ aud: CLIENT }, { kid: 'new' }) })],
    ['access token', () => ({ accessToken: fixture.accessToken({}, { kid: 'new' }) })],
  ])('while the key of the %s cannot be fetched, and no token is blamed', async (_, changes) => {
    fixture.given = (nonce) => fixture.tokens(nonce, changes())
    const unavailable = { ok: false, failure: 'unavailable' }
    expect(await fixture.complete(await fixture.begun())).toEqual(unavailable)
    expect(fixture.reported).toEqual([])
  })

  it('while Redis takes no session', async () => {
    fixture.given = (nonce) => {
      fixture.memory.isDown = true
      return fixture.tokens(nonce)
    }
    const unavailable = { ok: false, failure: 'unavailable' }
    expect(await fixture.complete(await fixture.begun())).toEqual(unavailable)
  })

  it.each<[string, Result<Unrevoked>, string]>([
    ['whose access was ended since', refuse('token-revoked'), 'revoked'],
    ['while revocations may be lost', refuse('state-lost'), 'revoked'],
    ['while nobody can tell', refuse('state-unavailable'), 'unavailable'],
    ['who is new, during an outage', ok({ isFromOutage: true }), 'unavailable'],
  ])('%s', async (_, result, failure) => {
    fixture.revocationCheck = result
    expect(await fixture.complete(await fixture.begun())).toEqual({ ok: false, failure })
  })

  it('while Redis does not answer, and the sign-in can be completed afterwards', async () => {
    const cookie = await fixture.begun()
    fixture.memory.isDown = true
    expect(await fixture.callback(browser(cookie))).toMatchObject({
      outcome: { ok: false, failure: 'unavailable' },
      outdated: null,
    })
    expect(await fixture.complete(null)).toEqual({ ok: false, failure: 'unavailable' })
    expect(fixture.redeemed).toBe(0)
    fixture.memory.isDown = false
    expect(await fixture.complete(cookie)).toMatchObject({ ok: true })
  })
})
