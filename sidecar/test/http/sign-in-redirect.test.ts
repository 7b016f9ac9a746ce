import { describe, expect, it } from 'vitest'
import { type Deny, deny, unknownCaller } from '../../src/domain/decision.ts'
import { type DenyReason, REASONS } from '../../src/domain/reason.ts'
import { signInRedirect } from '../../src/http/sign-in-redirect.ts'
import { requestWith } from '../authorize/check-fixture.ts'

const PUBLIC = 'https://dbx.example.com'
const PAGE = { HTTP_ACCEPT: 'text/html,application/xhtml+xml', HTTP_SEC_FETCH_MODE: 'navigate' }

function denied(reason: DenyReason): Deny {
  return deny({ reason }, unknownCaller('none'))
}

function redirectOf(changes: Readonly<Record<string, string>>, reason: DenyReason) {
  return signInRedirect(requestWith({ ...PAGE, ...changes }), denied(reason), PUBLIC)
}

function location(target: string): string | undefined {
  const reply = redirectOf({ BRICKGATE_TARGET: target }, 'no-credential')
  return reply?.headers.find(([name]) => name === 'Location')?.[1]
}

describe('a page navigation is sent to sign-in', () => {
  const MENDED = [
    'no-credential',
    'malformed-token',
    'session-unknown',
    'session-expired',
    'session-revoked',
    'session-wrong-tier',
    'state-lost',
  ]

  it('for want of a good cookie, and for no other reason', () => {
    const reasons = Object.keys(REASONS).filter((reason) => reason !== 'allowed') as DenyReason[]
    const redirected = reasons.filter((reason) => redirectOf({}, reason) !== null)
    expect(redirected.sort()).toEqual(MENDED.sort())
  })

  it('with 303, the page it asked for, and nothing to keep', () => {
    expect(redirectOf({ BRICKGATE_TARGET: '/sql?o=1&q=a%20b' }, 'session-expired')).toEqual({
      status: 303,
      headers: [
        ['Location', `${PUBLIC}/_brickgate/sign-in?return_to=%2Fsql%3Fo%3D1%26q%3Da%2520b`],
        ['Cache-Control', 'no-store'],
      ],
      body: '',
    })
  })

  it('with a deep link of more than 2,048 characters, and otherwise with the page it is of', () => {
    const link = `/sql/editor?q=${'a'.repeat(5000)}`
    expect(location(link)).toBe(
      `${PUBLIC}/_brickgate/sign-in?return_to=${encodeURIComponent(link)}`,
    )
    for (const query of ['a'.repeat(9000), '%20'.repeat(1900)]) {
      expect(location(`/sql/editor?q=${query}`)).toBe(
        `${PUBLIC}/_brickgate/sign-in?return_to=%2Fsql%2Feditor`,
      )
    }
    expect(location(`/${'a'.repeat(9000)}`)).toBe(`${PUBLIC}/_brickgate/sign-in`)
  })

  it('by an address of at most 8,000 characters', () => {
    for (let length = 100; length < 12_000; length += 100) {
      expect(location(`/?${'%'.repeat(length)}`)?.length).toBeLessThanOrEqual(8000)
      expect(location(`/${'-'.repeat(length)}?a`)?.length).toBeLessThanOrEqual(8000)
    }
  })
})

describe('no redirect is given', () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ['to a POST', { BRICKGATE_METHOD: 'POST' }],
    ['to HEAD', { BRICKGATE_METHOD: 'HEAD' }],
    ['to a request for JSON', { HTTP_ACCEPT: 'application/json' }],
    ['to one that takes anything', { HTTP_ACCEPT: '*/*' }],
    ['to a fetch of a page by a script', { HTTP_SEC_FETCH_MODE: 'cors' }],
    ['to a WebSocket', { HTTP_UPGRADE: 'websocket' }],
    ['to a bearer token', { HTTP_AUTHORIZATION: 'Bearer word' }],
    ['to an empty Authorization', { HTTP_AUTHORIZATION: '' }],
  ])('%s', (_, changes) => {
    expect(redirectOf(changes, 'malformed-token')).toBeNull()
  })
})
