import { describe, expect, it } from 'vitest'
import { parseStrictObject } from '../../src/verify/strict-json.ts'
import { principalOf, read, reasonOf } from './claims-fixture.ts'
import { GENERIC } from './token-fixture.ts'

function at(...path: [string, ...string[]]): typeof GENERIC {
  return { ...GENERIC, claims: { ...GENERIC.claims, groups: path } }
}

describe('the groups of a token', () => {
  it.each<[title: string, groups: unknown, read: readonly string[]]>([
    ['are a list', ['a', 'b'], ['a', 'b']],
    ['are none when absent', undefined, []],
    ['are none when null', null, []],
    ['are none in an empty list', [], []],
    ['are one when they are one text, whatever is in it', 'a, b c', ['a, b c']],
    ['are none in an empty text', '', []],
    ['are without empty items, and only without those', ['', 'a', '', ' ', 'b'], ['a', ' ', 'b']],
    ['are 1,000', Array(1_000).fill('a'), Array(1_000).fill('a')],
    ['may have 256 characters', ['x'.repeat(256)], ['x'.repeat(256)]],
    ['may be named __proto__', ['__proto__', 'constructor'], ['__proto__', 'constructor']],
    ['are not normalized', ['caf\u00e9', 'cafe\u0301'], ['caf\u00e9', 'cafe\u0301']],
  ])('%s', (_, groups, expected) => {
    expect(principalOf(read({ groups })).groups).toEqual(expected)
  })

  it.each<[title: string, groups: unknown]>([
    ['an object', { 0: 'admins', length: 1 }],
    ['a number', 1],
    ['true', true],
    ['an item that is a number', ['a', 1]],
    ['an item that is null', ['a', null]],
    ['an item that is an object', ['a', { name: 'b' }]],
    ['a list in a list', [['a']]],
    ['a lone surrogate, which no header can carry', ['\ud800']],
    ['an item of 257 characters', ['a', 'x'.repeat(257)]],
    ['a text of 257 characters', 'x'.repeat(257)],
    ['1,001 items', Array(1_001).fill('a')],
    ['1,001 items of which only one is not empty', ['a', ...Array(1_000).fill('')]],
  ])('are used whole or not at all, so the token is refused with %s', (_, groups) => {
    expect(read({ groups })).toEqual({ ok: false, reason: 'groups-unusable', claim: 'groups' })
  })

  it.each([
    ['named elsewhere', { _claim_names: { groups: 'src1' } }, 'groups-unknown'],
    [
      'named elsewhere and here',
      { groups: ['a'], _claim_names: { groups: 's' } },
      'groups-unknown',
    ],
    ['other claims elsewhere', { _claim_names: { address: 'src1' } }, 'ok'],
    ['no telling where', { _claim_names: 'groups' }, 'groups-unknown'],
    ['nothing elsewhere', { _claim_names: {} }, 'ok'],
  ])('groups: %s', (_, claims, reason) => {
    expect(reasonOf(read(claims))).toBe(reason)
  })

  it('refuse a token for what is wrong with it first', () => {
    expect(reasonOf(read({ groups: 1, aud: 'other' }))).toBe('wrong-audience')
    expect(reasonOf(read({ groups: 1, sub: null }))).toBe('malformed-token')
  })
})

describe('groups at the end of a list of names', () => {
  const roles = at('realm_access', 'roles')

  it.each<[title: string, claims: object, read: readonly string[]]>([
    ['are read through objects', { realm_access: { roles: ['a'] } }, ['a']],
    ['are none when the last is absent', { realm_access: {} }, []],
    ['are none when the first is absent', {}, []],
    ['are none when one is null', { realm_access: null }, []],
    ['are none when the last is null', { realm_access: { roles: null } }, []],
    ['are not those of a claim with a dot', { 'realm_access.roles': ['x'] }, []],
    ['are not the usual ones', { groups: ['x'] }, []],
  ])('%s', (_, claims, expected) => {
    expect(principalOf(read({ ...claims }, roles)).groups).toEqual(expected)
  })

  it.each<[title: string, value: unknown]>([
    ['text', 'roles'],
    ['a list', [{ roles: ['a'] }]],
    ['a number', 0],
    ['false', false],
  ])('cannot be used when %s is on the way', (_, value) => {
    const refusal = { ok: false, reason: 'groups-unusable', claim: 'realm_access.roles' }
    expect(read({ realm_access: value }, roles)).toEqual(refusal)
    const deep = { ...refusal, claim: 'realm_access.roles.of.it' }
    expect(read({ realm_access: value }, at('realm_access', 'roles', 'of', 'it'))).toEqual(deep)
  })

  it('may lie deeper, under names that every object inherits', () => {
    const issuer = at('resource_access', '__proto__', 'constructor')
    const claims = parseStrictObject('{"__proto__":{"constructor":["a"]}}')
    expect(principalOf(read({ resource_access: claims }, issuer)).groups).toEqual(['a'])
    expect(principalOf(read({ resource_access: {} }, issuer)).groups).toEqual([])
  })

  it('are elsewhere when their first name is', () => {
    const claims = { _claim_names: { realm_access: 'src1' } }
    expect(reasonOf(read(claims, roles))).toBe('groups-unknown')
  })

  it('are at one name, a URL or one with dots, when that is written as text', () => {
    for (const groups of ['https://example.com/groups', 'a.b', 'cognito:groups']) {
      const issuer = { ...GENERIC, claims: { ...GENERIC.claims, groups } }
      expect(principalOf(read({ [groups]: ['x'], a: { b: ['y'] } }, issuer)).groups).toEqual(['x'])
    }
  })

  it('stand twice in no token that is read', () => {
    expect(parseStrictObject('{"realm_access":{"roles":["a"],"roles":["b"]}}')).toBeNull()
    expect(parseStrictObject('{"realm_access":{"r":1},"realm_access":{"roles":["b"]}}')).toBeNull()
    expect(parseStrictObject('{"groups":["a"],"gr\\u006fups":["b"]}')).toBeNull()
  })
})

it('a subject or an e-mail address can be at the end of a list of names, too', () => {
  const claims = { groups: 'groups', subject: ['who', 'id'], email: ['who', 'mail'] } as const
  const who = { id: 'e 1', mail: 'a@example.com' }
  expect(principalOf(read({ who }, { ...GENERIC, claims }))).toMatchObject({
    subject: 'e%201',
    email: 'a@example.com',
  })
  expect(read({ who: 'e 1' }, { ...GENERIC, claims })).toEqual({
    ok: false,
    reason: 'malformed-token',
    claim: 'who.id',
  })
})
