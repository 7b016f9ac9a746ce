import { beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/session/session.ts'
import { createTokenRefresh, type TokenRefresh } from '../../src/sign-in/token-refresh.ts'
import type { Renewed } from '../../src/sign-in/token-renewal.ts'
import { NOW, SESSION } from '../support/session-fixture.ts'

interface Fixture {
  readonly refresh: TokenRefresh
  seconds: number
  /** number of renewals begun */
  renewals: number
  /** ends the running renewal */
  end: (renewed: Renewed) => void
  /** ends the wait of requests */
  tire: () => void
  issuedAtSeconds: number | null
}

let fixture: Fixture

beforeEach(() => {
  fixture = {
    seconds: NOW,
    renewals: 0,
    end: () => undefined,
    tire: () => undefined,
    issuedAtSeconds: NOW,
    refresh: createTokenRefresh({
      renew: () => {
        fixture.renewals += 1
        return new Promise((resolve) => {
          fixture.end = resolve
        })
      },
      clock: { nowSeconds: () => fixture.seconds, monotonicMs: () => fixture.seconds * 1000 },
      issuedAtSeconds: () => fixture.issuedAtSeconds,
      wait: () =>
        new Promise((resolve) => {
          fixture.tire = resolve
        }),
    }),
  }
})

function session(lifeSeconds: number, changes: Partial<Session> = {}): Session {
  const accessToken = {
    token: 'eyJ.access.token',
    expiresAtSeconds: NOW + lifeSeconds,
    tokenId: 'jti-1',
  }
  return { ...SESSION, accessToken, refreshToken: 'refresh', ...changes }
}

function freshen(one: Session) {
  return fixture.refresh.freshen(one, fixture.seconds)
}

async function endWith(renewed: Renewed): Promise<void> {
  fixture.end(renewed)
  await new Promise((resolve) => setImmediate(resolve))
}

describe('nothing is renewed', () => {
  it.each<[string, Session, number]>([
    ['while the token is far from its end', session(3600), NOW + 3539],
    ['before the last quarter of a short life', session(5), NOW + 3.7],
    ['without a refresh token', session(5, { refreshToken: null }), NOW + 100],
    ['without an access token', session(5, { accessToken: null }), NOW + 100],
  ])('%s', (_, one, seconds) => {
    fixture.seconds = seconds
    expect(freshen(one)).toEqual({ ok: true, value: one })
    expect(fixture.renewals).toBe(0)
  })
})

describe('a token is renewed', () => {
  it.each<[string, number, number | null, number]>([
    ['a minute before its end', 3600, NOW, NOW + 3540],
    ['in the last quarter of a short life', 5, NOW, NOW + 3.76],
    ['a minute before its end when it does not say its begin', 3600, null, NOW + 3540],
  ])('%s, while requests go on with it', (_, life, issuedAtSeconds, seconds) => {
    fixture.seconds = seconds
    fixture.issuedAtSeconds = issuedAtSeconds
    const one = session(life)
    for (let requests = 0; requests < 3; requests += 1) {
      expect(freshen(one)).toEqual({ ok: true, value: one })
    }
    expect(fixture.renewals).toBe(1)
  })

  it('when it has ended, and requests wait for it', async () => {
    fixture.seconds = NOW + 6
    const waiting = [freshen(session(5)), freshen(session(5))]
    fixture.end({ kind: 'renewed', session: session(11) })
    for (const one of waiting) expect(await one).toEqual({ ok: true, value: session(11) })
    expect(fixture.renewals).toBe(1)
  })

  it('and a session that has ended is refused', async () => {
    fixture.seconds = NOW + 6
    const waiting = freshen(session(5))
    fixture.end({ kind: 'ended' })
    expect(await waiting).toEqual({ ok: false, reason: 'session-revoked' })
  })

  it('and what takes too long is not waited for', async () => {
    fixture.seconds = NOW + 6
    const one = session(5)
    const waiting = freshen(one)
    fixture.tire()
    expect(await waiting).toEqual({ ok: true, value: one })
  })
})

describe('after a failure', () => {
  it('a token is tried for again after 1, 2, 4, 8, then every 10 seconds', async () => {
    fixture.seconds = NOW + 6
    const tries: number[] = []
    for (let steps = 0; steps < 90; steps += 1) {
      const before = fixture.renewals
      void freshen(session(5))
      if (fixture.renewals > before) {
        tries.push(fixture.seconds - NOW - 6)
        await endWith({ kind: 'failed' })
      }
      fixture.seconds += 0.5
    }
    expect(tries).toEqual([0, 1, 3, 7, 15, 25, 35])
  })

  it('requests in between are answered at once', async () => {
    fixture.seconds = NOW + 6
    void freshen(session(5))
    await endWith({ kind: 'failed' })
    const one = session(5)
    expect(freshen(one)).toEqual({ ok: true, value: one })
    expect(fixture.renewals).toBe(1)
  })

  it('a success forgets it', async () => {
    fixture.seconds = NOW + 6
    void freshen(session(5))
    await endWith({ kind: 'failed' })
    fixture.seconds += 1
    void freshen(session(5))
    await endWith({ kind: 'renewed', session: session(11) })
    fixture.seconds += 5
    void freshen(session(11))
    expect(fixture.renewals).toBe(3)
  })
})
