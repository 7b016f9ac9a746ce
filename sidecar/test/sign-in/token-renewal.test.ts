import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderTokens } from '../../src/sign-in/openid-provider.ts'
import { SESSION } from '../support/session-fixture.ts'
import { type Claims, NOW } from '../verify/token-fixture.ts'
import { createRefreshFixture, type RefreshFixture } from './token-refresh-fixture.ts'

const LOCK = /^bg:lock:refresh:[0-9a-f]{64}$/

let fixture: RefreshFixture

beforeEach(async () => {
  fixture = await createRefreshFixture()
})

function lockOf(sid: string) {
  const key = `bg:lock:refresh:${sid}`
  expect(key).toMatch(LOCK)
  return fixture.memory.read([key])
}

describe('a renewal', () => {
  it('puts new tokens into the session and leaves the rest', async () => {
    const session = await fixture.open()
    const renewed = await fixture.sidecar()(session, NOW)

    const current = await fixture.current()
    expect(renewed).toEqual({ kind: 'renewed', session: current })
    expect(current).toEqual({
      ...session,
      principal: { ...session.principal, groups: [] },
      accessToken: {
        token: expect.any(String),
        expiresAtSeconds: NOW + 3600,
        tokenId: expect.stringMatching(/^access-[1-9]/),
      },
      refreshToken: expect.stringMatching(/^refresh-[1-9]/),
    })
    expect(current?.accessToken?.token).not.toBe(session.accessToken?.token)
    expect(fixture.asked).toEqual(['refresh-0'])
    expect(fixture.events).toEqual(['refreshed'])
    expect(await lockOf(session.sid)).toMatchObject({ value: [{ kind: 'absent' }] })
  })

  it('keeps a refresh token that the provider does not rotate', async () => {
    fixture.answer = () => fixture.given({ refreshToken: null })
    await fixture.sidecar()(await fixture.open(), NOW)
    expect((await fixture.current())?.refreshToken).toBe('refresh-0')
  })

  it('is one at the provider, however many sidecars need it', async () => {
    const session = await fixture.open()
    const all = [1, 2, 3, 4].map(() => fixture.sidecar()(session, NOW))
    fixture.onWait = async () => void (await all[0]) // the first has the lock, others reread

    const renewed = await Promise.all(all)
    expect(fixture.asked).toEqual(['refresh-0'])
    const current = await fixture.current()
    for (const one of renewed) expect(one).toEqual({ kind: 'renewed', session: current })
  })

  it('asks nobody again for a session of a moment ago', async () => {
    const session = await fixture.open()
    await fixture.sidecar()(session, NOW)
    const late = await fixture.sidecar()(session, NOW)
    expect(fixture.asked).toHaveLength(1)
    expect(late).toEqual({ kind: 'renewed', session: await fixture.current() })
  })

  it('takes groups and e-mail of a new ID token, and nothing else', async () => {
    const session = await fixture.open()
    const idToken = fixture.idToken({
      nonce: 'n-1',
      groups: ['new'],
      email: 'new@example.com',
      sid: 'other',
      auth_time: NOW,
    })
    fixture.answer = () => fixture.given({ idToken })
    await fixture.sidecar()(session, NOW)
    expect(await fixture.current()).toMatchObject({
      idToken,
      signInSeconds: session.signInSeconds,
      principal: { ...session.principal, groups: ['new'], email: 'new@example.com' },
    })
  })
})

describe('a session without an ID token', () => {
  it('takes one of its person that has no nonce', async () => {
    const idToken = fixture.idToken({ groups: ['new'] })
    fixture.answer = () => fixture.given({ idToken })
    await fixture.sidecar()(await fixture.open({ idToken: null }), NOW)
    expect(await fixture.current()).toMatchObject({ idToken, principal: { groups: ['new'] } })
  })

  it('takes none that has a nonce, which no sign-in of ours asked for', async () => {
    const session = await fixture.open({ idToken: null })
    fixture.answer = () => fixture.given({ idToken: fixture.idToken({ nonce: 'n-1' }) })
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(fixture.events).toEqual(['unverified'])
    expect(await fixture.current()).toMatchObject({
      idToken: null,
      refreshToken: expect.stringMatching(/^refresh-[1-9]/),
    })
  })

  it('is renewed by an access token alone', async () => {
    const session = await fixture.open({ idToken: null })
    expect(await fixture.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect(fixture.events).toEqual(['refreshed'])
  })
})

describe('after a refresh without an ID token the groups are', () => {
  const groupsAfter = async (claims: Claims, idClaims: Claims = {}) => {
    const groups = ['a', 'b']
    const principal = { ...SESSION.principal, issuerName: 'idp', subject: 'alice', groups }
    const idToken = fixture.idToken({ nonce: 'n-1', ...idClaims })
    const session = await fixture.open({ principal, idToken })
    fixture.answer = () => fixture.given({ accessToken: fixture.accessToken(claims) })
    const { kind } = await fixture.sidecar()(session, NOW)
    return [kind, (await fixture.current())?.principal.groups]
  }

  it.each<[string, Claims, Claims, readonly string[]]>([
    ['those of the access token', { groups: ['a'] }, {}, ['a']],
    ['none when the access token lists none', { groups: [] }, {}, []],
    ['none when the access token listed them and does no more', {}, {}, []],
    [
      'those of the access token though the ID token had some',
      { groups: ['a'] },
      { groups: ['a', 'b'] },
      ['a'],
    ],
  ])('%s', async (_, claims, idClaims, groups) => {
    expect(await groupsAfter(claims, idClaims)).toEqual(['renewed', groups])
  })

  it('nobody knows which, when the ID token of the sign-in listed them alone: the session ends', async () => {
    expect(await groupsAfter({}, { groups: ['a', 'b'] })).toEqual(['ended', undefined])
    expect(fixture.events).toEqual(['groups-unknown'])
  })
})

describe('a session goes on as it was, but for a rotated refresh token, when', () => {
  it.each<[string, () => Partial<ProviderTokens>]>([
    ['the ID token has another nonce', () => ({ idToken: fixture.idToken({ nonce: 'n-2' }) })],
    ['the ID token is for another', () => ({ idToken: fixture.idToken({ aud: 'other' }) })],
    ['the ID token is of another person', () => ({ idToken: fixture.idToken({ sub: 'bob' }) })],
    [
      'the access token is of another person',
      () => ({ accessToken: fixture.accessToken({ sub: 'bob' }) }),
    ],
    [
      'both tokens are of another person',
      () => ({
        accessToken: fixture.accessToken({ sub: 'bob', groups: ['admins'] }),
        idToken: fixture.idToken({ sub: 'bob', groups: ['admins'], nonce: 'n-1' }),
      }),
    ],
    ['the access token is for another', () => ({ accessToken: fixture.accessToken({ aud: 'x' }) })],
    ['the access token is none', () => ({ accessToken: 'opaque' })],
    ['nothing verifies', () => ({ accessToken: 'opaque', idToken: 'opaque' })],
    [
      'the ID token is right and the access token is none',
      () => ({ accessToken: 'opaque', idToken: fixture.idToken({ nonce: 'n-1', groups: ['x'] }) }),
    ],
    [
      'the ID token has its groups elsewhere and the access token is none',
      () => ({
        accessToken: 'opaque',
        idToken: fixture.idToken({ _claim_names: { groups: 's' } }),
      }),
    ],
    [
      'the key of the access token cannot be fetched',
      () => ({ accessToken: fixture.accessToken({}, { kid: 'new' }), idToken: fixture.idToken() }),
    ],
  ])('%s', async (_, changes) => {
    const session = await fixture.open()
    fixture.answer = () => fixture.given({ ...changes(), refreshToken: 'rotated' })
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(await fixture.current()).toEqual({ ...session, refreshToken: 'rotated' })
    expect(fixture.events).toEqual(['unverified'])
  })
})

describe('a session ends', () => {
  it('when the provider says that its grant counts no more', async () => {
    const session = await fixture.open()
    fixture.answer = () => ({ ok: false, failure: 'invalid-grant' })
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'ended' })
    expect(await fixture.current()).toBeNull()
    expect(fixture.events).toEqual(['grant-ended'])
  })

  it('not when that was said of a refresh token that it has no more', async () => {
    const session = await fixture.open()
    fixture.answer = async () => {
      await fixture.registry.update(session, { ...session, refreshToken: 'newer' })
      return { ok: false, failure: 'invalid-grant' }
    }
    expect(await fixture.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect((await fixture.current())?.refreshToken).toBe('newer')
  })

  it('and stays ended, though a refresh was under way', async () => {
    const session = await fixture.open()
    fixture.answer = async () => {
      await fixture.registry.end(session)
      return fixture.given()
    }
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'ended' })
    expect(await fixture.current()).toBeNull()
  })

  it('and is known to have ended though the new tokens cannot be used', async () => {
    const session = await fixture.open()
    fixture.answer = async () => {
      await fixture.registry.end(session)
      return fixture.given({ accessToken: 'opaque' })
    }
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'ended' })
  })

  it('for the sidecars that wait for another’s renewal, without a further look', async () => {
    const session = await fixture.open()
    fixture.answer = async () => {
      await fixture.registry.end(session)
      return fixture.given()
    }
    let waits = 0
    const first = fixture.sidecar()(session, NOW)
    fixture.onWait = async () => {
      waits += 1
      await first
    }
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'ended' })
    expect(waits).toBe(1)
  })

  it('for a sidecar that comes too late', async () => {
    const session = await fixture.open()
    await fixture.registry.end(session)
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'ended' })
    expect(fixture.asked).toEqual([])
  })
})
