import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Credential, readCredential } from '../../src/credential/credential.ts'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_A'
const SESSION = `bgs_${'A-_9'.repeat(10)}abc`
const AMBIGUOUS: Credential = { kind: 'ambiguous' }
const MALFORMED: Credential = { kind: 'malformed' }
const BEARER: Credential = { kind: 'bearer', token: JWT }

function read(authorization: string | null, sessionCookies: readonly string[] = []): Credential {
  return readCredential({ authorization, sessionCookies, otherCookies: '' })
}

function basic(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword, 'latin1').toString('base64')}`
}

describe('the Authorization field', () => {
  it.each<[title: string, authorization: string | null, credential: Credential]>([
    ['is none when absent', null, { kind: 'none' }],
    ['is a bearer', `Bearer ${JWT}`, BEARER],
    ['is a bearer in lower case', `bearer ${JWT}`, BEARER],
    ['is a bearer in upper case', `BEARER ${JWT}`, BEARER],
    ['is a bearer behind several spaces', `Bearer   ${JWT}`, BEARER],
    [
      'is a bearer of every token68 character',
      'Bearer aZ0-._~+/==',
      { kind: 'bearer', token: 'aZ0-._~+/==' },
    ],
    [
      'is a bearer, not a name of an object',
      'Bearer __proto__',
      { kind: 'bearer', token: '__proto__' },
    ],
    ['is a session', `Bearer ${SESSION}`, { kind: 'session', sessionId: SESSION, from: 'bearer' }],
    ['is a bearer inside Basic', basic(`token:${JWT}`), BEARER],
    ['is a bearer inside basic', basic(`token:${JWT}`).replace('Basic', 'basic'), BEARER],
    [
      'is a session inside Basic',
      basic(`token:${SESSION}`),
      { kind: 'session', sessionId: SESSION, from: 'bearer' },
    ],

    ['is ambiguous with a second one merged', `Bearer ${JWT}, Bearer ${JWT}`, AMBIGUOUS],
    ['is ambiguous with another scheme merged', `Basic dG9rZW46YQ==, Bearer ${JWT}`, AMBIGUOUS],
    ['is ambiguous with an empty one merged', `Bearer ${JWT},`, AMBIGUOUS],
    ['is ambiguous with an empty one before', `, Bearer ${JWT}`, AMBIGUOUS],
    ['is ambiguous with a comma and no space', `Bearer ${JWT},${JWT}`, AMBIGUOUS],
    ['is ambiguous with two tokens', `Bearer ${JWT} ${JWT}`, AMBIGUOUS],
    ['is ambiguous with two schemes', `Bearer ${JWT} Bearer ${JWT}`, AMBIGUOUS],

    ['is malformed when empty', '', MALFORMED],
    ['is malformed as a space', ' ', MALFORMED],
    ['is malformed without a token', 'Bearer', MALFORMED],
    ['is malformed with an empty token', 'Bearer ', MALFORMED],
    ['is malformed without a scheme', JWT, MALFORMED],
    ['is malformed with a tab', `Bearer\t${JWT}`, MALFORMED],
    ['is malformed with padding inside', 'Bearer a=b', MALFORMED],
    ['is malformed as padding alone', 'Bearer ==', MALFORMED],
    ['is malformed with a quote', 'Bearer "abc"', MALFORMED],
    ['is malformed with NUL', `Bearer ${JWT}\0`, MALFORMED],
    ['is malformed with CR and LF', `Bearer ${JWT}\r\n`, MALFORMED],
    ['is malformed with a byte above ASCII', 'Bearer abc\xff', MALFORMED],
    ['is malformed with an unknown scheme', 'Negotiate abc', MALFORMED],
    ['is malformed with a name of an object for a scheme', '__proto__ abc', MALFORMED],
    ['is malformed with a scheme that starts like bearer', `Bearers ${JWT}`, MALFORMED],
    ['is malformed with a folded scheme', `\u212Aearer ${JWT}`, MALFORMED],
    ['is malformed with a short session id', `Bearer ${SESSION.slice(0, -1)}`, MALFORMED],
    ['is malformed with a long session id', `Bearer ${SESSION}A`, MALFORMED],
    ['is malformed with a padded session id', `Bearer ${SESSION}=`, MALFORMED],
    ['is malformed with a session id of base64', `Bearer bgs_${'+'.repeat(43)}`, MALFORMED],

    ['is malformed with another user in Basic', basic(`alice:${JWT}`), MALFORMED],
    ['is malformed with the user in another case', basic(`Token:${JWT}`), MALFORMED],
    ['is malformed without a user in Basic', basic(`:${JWT}`), MALFORMED],
    ['is malformed without a password in Basic', basic('token:'), MALFORMED],
    ['is malformed without a colon in Basic', basic('token'), MALFORMED],
    ['is malformed with a second colon in Basic', basic(`token:${JWT}:x`), MALFORMED],
    ['is malformed with a comma in Basic', basic(`token:${JWT},${JWT}`), MALFORMED],
    ['is malformed with LF in Basic', basic(`token:${JWT}\n`), MALFORMED],
    ['is malformed with an empty Basic', 'Basic ', MALFORMED],
    ['is malformed without its padding in Basic', 'Basic dG9rZW46YQ', MALFORMED],
    ['is malformed with too much padding in Basic', 'Basic dG9rZW46YQ===', MALFORMED],
    ['is malformed with spare bits in Basic', 'Basic dG9rZW46YR==', MALFORMED],
    ['is malformed with what base64 lacks in Basic', 'Basic dG9r*ZW46YQ==', MALFORMED],
    ['is malformed with base64url in Basic', basic('token:?>?>').replaceAll('/', '_'), MALFORMED],
  ])('%s', (_, authorization, credential) => {
    expect(read(authorization)).toEqual(credential)
  })
})

describe('the cookie', () => {
  const FROM_COOKIE: Credential = { kind: 'session', sessionId: SESSION, from: 'cookie' }
  it.each<
    [
      title: string,
      authorization: string | null,
      cookies: readonly string[],
      credential: Credential,
    ]
  >([
    ['is a session', null, [SESSION], FROM_COOKIE],
    ['is ambiguous twice', null, [SESSION, SESSION], AMBIGUOUS],
    ['is ambiguous beside an empty one', null, ['', SESSION], AMBIGUOUS],
    ['is ambiguous beside a bearer', `Bearer ${JWT}`, [SESSION], AMBIGUOUS],
    ['is ambiguous beside itself as a bearer', `Bearer ${SESSION}`, [SESSION], AMBIGUOUS],
    ['is ambiguous beside an empty Authorization', '', [SESSION], AMBIGUOUS],
    ['is ambiguous beside an unknown scheme', 'Negotiate x', [SESSION], AMBIGUOUS],
    ['is ambiguous beside a bearer, malformed as it is', `Bearer ${JWT}`, ['x'], AMBIGUOUS],
    ['is malformed when empty', null, [''], MALFORMED],
    ['is malformed in quotes', null, [`"${SESSION}"`], MALFORMED],
    ['is malformed with a JWT', null, [JWT], MALFORMED],
    ['is malformed with LF', null, [`${SESSION}\n`], MALFORMED],
    ['is malformed in another case', null, [SESSION.replace('bgs', 'BGS')], MALFORMED],
    ['is malformed with a name of an object', null, ['__proto__'], MALFORMED],
  ])('%s', (_, authorization, cookies, credential) => {
    expect(read(authorization, cookies)).toEqual(credential)
  })
})

it('takes the whole rest of the field for the token, or nothing', () => {
  const rest = fc.string({ unit: fc.constantFrom('a', 'b', '.', '=', ' ', ',', ':', '\0', '\xff') })
  fc.assert(
    fc.property(rest, (text) => {
      const credential = read(`Bearer ${text}`)
      expect(credential.kind === 'bearer' ? credential.token : text.trimStart()).toBe(
        text.trimStart(),
      )
      expect(credential.kind === 'bearer').toBe(/^ *[ab.]+=*$/.test(text))
    }),
  )
})

it('takes time in proportion to the field', () => {
  const started = performance.now()
  for (const filler of [' ', '=', 'a', ',']) read(`Bearer ${filler.repeat(200_000)}"`)
  expect(performance.now() - started).toBeLessThan(2000)
})
