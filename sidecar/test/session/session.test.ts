import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeSession,
  encodeSession,
  isSid,
  sessionIdFrom,
  sidOf,
} from '../../src/session/session.ts'
import { ALICE, SESSION } from '../support/session-fixture.ts'

const MEMBERS = JSON.parse(encodeSession(SESSION))

function withMember(path: string, value: unknown): string {
  const [first = '', second] = path.split('.')
  const changed =
    second === undefined
      ? { ...MEMBERS, [first]: value }
      : { ...MEMBERS, [first]: { ...MEMBERS[first], [second]: value } }
  return JSON.stringify(changed)
}

test('reads back what it wrote', () => {
  const bare = {
    ...SESSION,
    accessToken: null,
    refreshToken: null,
    idToken: null,
    userAgent: '',
    kind: 'program' as const,
    principal: { ...ALICE, email: null, clientId: null, idpSession: null, groups: [] },
  }
  expect(decodeSession(encodeSession(SESSION))).toEqual(SESSION)
  expect(decodeSession(encodeSession(bare))).toEqual(bare)
})

test('reads a record of a version that noted no id of its access token', () => {
  const { token, expiresAtSeconds } = SESSION.accessToken ?? {}
  expect(decodeSession(withMember('accessToken', { token, expiresAtSeconds }))).toEqual({
    ...SESSION,
    accessToken: { token, expiresAtSeconds, tokenId: null },
  })
})

test('a record names the issuer in `principal.issuer`, as records of every version do', () => {
  expect(MEMBERS.principal.issuer).toBe(ALICE.issuerName)
})

test('does not write what it could not read', () => {
  expect(() => encodeSession({ ...SESSION, expiresAtSeconds: Number.NaN })).toThrow(
    'expiresAtSeconds',
  )
  expect(() => encodeSession({ ...SESSION, sid: 'AB' })).toThrow('sid')
})

describe('reads no session from', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '{"sid":'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '1e400'],
    ['a further member', withMember('admin', true)],
    ['a further member of the principal', withMember('principal.roles', ['admin'])],
    ['a prototype', `{"__proto__":${JSON.stringify(MEMBERS)}}`],
    ['a sid in upper case', withMember('sid', SESSION.sid.toUpperCase())],
    ['no sid', withMember('sid', undefined)],
    ['another tier', withMember('tier', '__proto__')],
    ['an end that is text', withMember('expiresAtSeconds', '99999999999')],
    ['an end before the epoch', withMember('expiresAtSeconds', -1)],
    ['an end that is no number', withMember('expiresAtSeconds', null)],
    ['a principal that is missing', withMember('principal', null)],
    ['an issuer name with a separator', withMember('principal.issuer', 'okta|x')],
    ['an empty subject', withMember('principal.subject', '')],
    ['a subject with a space', withMember('principal.subject', 'a b')],
    ['a subject of 256 bytes', withMember('principal.subject', 'a'.repeat(256))],
    ['a token id with NUL', withMember('principal.tokenId', 'a\u0000')],
    ['groups that are text', withMember('principal.groups', 'admins')],
    ['an access token with CRLF', withMember('accessToken.token', 'a\r\nX-Admin: 1')],
    ['an access token with a further member', withMember('accessToken.scope', 'all')],
    ['an access token whose id has a space', withMember('accessToken.tokenId', 'a b')],
    ['an empty refresh token', withMember('refreshToken', '')],
    ['an id token with a space', withMember('idToken', 'a b')],
    ['another kind', withMember('kind', 'root')],
    ['no address', withMember('sourceIp', null)],
    ['a record of a version without kinds', withMember('kind', undefined)],
  ])('%s', (_, text) => {
    expect(decodeSession(text)).toBeNull()
  })
})

test('reads no session from any other JSON', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(decodeSession(text)).toBeNull()
    }),
  )
})

test('an id is bgs_ and 256 bits of base64url', () => {
  expect(sessionIdFrom(new Uint8Array(32).fill(255))).toBe(`bgs_${'_'.repeat(42)}8`)
})

test('a sid is the SHA-256 of the whole id, prefix included', () => {
  const id = sessionIdFrom(new Uint8Array(32))
  expect(sidOf(id)).toBe(createHash('sha256').update(id).digest('hex'))
})

test('spellings of the same 256 bits are different sessions', () => {
  const id = sessionIdFrom(new Uint8Array(32))
  expect(sidOf(`${id.slice(0, -1)}B`)).not.toBe(sidOf(id))
})

test.each([
  ['0a'.repeat(32), true],
  ['0A'.repeat(32), false],
  ['0a'.repeat(31), false],
  [`${'0a'.repeat(32)}\n`, false],
  ['worker-1:heartbeat', false],
  ['', false],
])('whether %j has the form of a sid is %s', (text, isOne) => {
  expect(isSid(text)).toBe(isOne)
})
