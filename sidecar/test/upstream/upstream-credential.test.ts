import { describe, expect, it } from 'vitest'
import { passthrough, personalAccessToken } from '../../src/upstream/upstream-credential.ts'

const NOW = 1_800_000_000
const UNAVAILABLE = { ok: false, reason: 'upstream-credential-unavailable' }

describe('passthrough', () => {
  it('gives exactly the token that the caller has', () => {
    const subjectToken = { token: 'eyJ.a.b', expiresAtSeconds: NOW + 1 }
    expect(passthrough.authorizationFor(subjectToken, NOW)).toEqual({
      ok: true,
      value: 'Bearer eyJ.a.b',
    })
  })

  it('has none for a caller without a token', () => {
    expect(passthrough.authorizationFor(null, NOW)).toEqual(UNAVAILABLE)
  })

  it.each([NOW, NOW - 1, 0, -1, Number.NEGATIVE_INFINITY, Number.NaN])(
    'has none for a token that expired at %d',
    (expiresAtSeconds) => {
      const subjectToken = { token: 'eyJ.a.b', expiresAtSeconds }
      expect(passthrough.authorizationFor(subjectToken, NOW)).toEqual(UNAVAILABLE)
    },
  )
})

describe('a personal access token', () => {
  it.each([
    ['without a token', null],
    ['with a token', { token: 'eyJ.a.b', expiresAtSeconds: NOW + 1 }],
    ['with an expired token', { token: 'eyJ.a.b', expiresAtSeconds: NOW - 1 }],
  ])('is the same for a caller %s', (_, subjectToken) => {
    const credential = personalAccessToken('dapi0')
    expect(credential.authorizationFor(subjectToken, NOW)).toEqual({
      ok: true,
      value: 'Bearer dapi0',
    })
  })
})
