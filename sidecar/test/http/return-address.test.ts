import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReturnAddress, returnAddresses } from '../../src/http/return-address.ts'

const ORIGIN = 'https://dbx.example.com'

describe('a browser may return to', () => {
  it.each([
    '/',
    '/sql/editor',
    '/sql/editor?o=1234567890123456',
    '/api/2.0/fs/files/Volumes/a%20b/c',
    '/?next=https://evil.example',
    '/a?b=%2F%2Fevil.example%0d%0a',
    '/a@evil.example',
    '/:8080',
    '/https://evil.example',
    '/_brickgate/',
    '/_brickgate/?a=1',
    '/%C3%A9',
    "/a'b",
    '/a..b/...',
  ])('%s', (address) => expect(isReturnAddress(address)).toBe(true))
})

describe('a browser is never sent to', () => {
  it.each([
    // CVE-2021-21291, CVE-2022-23527, GHSA-5m6c-jp6f-2vcv, GHSA-j7px-6hwj-hpjg, GHSA-qqxw-m5fj-f7gv
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '\\\\evil.example',
    '/\\/evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r/evil.example',
    '/%09/evil.example',
    '/%0a/evil.example',
    '/%0D/evil.example',
    '/%00/evil.example',
    '/%5cevil.example',
    '/%2Fevil.example',
    '/%252fevil.example',
    '/%7fevil.example',
    ' //evil.example',
    ' /sql',
    '/sql ',
    '\t//evil.example',
    '/./\\evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e%2e//evil.example',
    '/.%2E/evil.example',
    'https://evil.example',
    'https:evil.example',
    'https:/evil.example',
    'HTTPS://EVIL.EXAMPLE',
    'http://dbx.example.com.evil.example/',
    'https://dbx.example.com.evil.example/',
    'https://dbx.example.com@evil.example/',
    'https://dbx.example.com/',
    '.evil.example',
    '@evil.example',
    ':443@evil.example',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'sql',
    '?a=1',
    '#a',
    '/#a',
    '/a#//evil.example',
    '',
    '/\u2028',
    '/\u3002evil.example',
    '/\uff0fevil.example',
    '/\ud800',
    '/é',
    `/${'a'.repeat(6000)}`,
    // never returns into a sign-in or sign-out
    '/_brickgate',
    '/_brickgate/sign-in',
    '/_brickgate/sign-in?return_to=/_brickgate/sign-in',
    '/_brickgate/callback?code=c&state=s',
    '/_brickgate/sign-out',
    '/_brickgate/whoami',
    '/_brickgate/frontchannel-logout',
    '/_Brickgate/sign-out',
    '/%5fbrickgate/sign-out',
    '/%5Fbrickgate/sign-out',
    '/_brickgate/./sign-in',
    '/_brickgate//sign-in',
    '/a/../_brickgate/sign-in',
  ])('%j', (address) => expect(isReturnAddress(address)).toBe(false))
})

it.each<[string | null, readonly string[]]>([
  [null, ['/_brickgate/']],
  ['/sql', ['/sql', '/sql', '/_brickgate/']],
  ['/sql?a=1?b', ['/sql?a=1?b', '/sql', '/_brickgate/']],
  [`/sql?${'a'.repeat(6000)}`, ['/sql', '/_brickgate/']],
  ['//evil.example?a', ['/_brickgate/']],
  ['/_brickgate/sign-out?a', ['/_brickgate/']],
])('of %.20j the nearest place comes first, and our own page last', (address, places) => {
  expect(returnAddresses(address)).toEqual(places)
})

it('an accepted address stays on the same origin, as a browser reads it', () => {
  const part = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '\t',
    '@',
    ':',
    '?',
    '#',
    'a',
    'é',
  )
  const address = fc.oneof(
    fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join('')}`),
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
  )
  fc.assert(
    fc.property(address, (text) => {
      if (!isReturnAddress(text)) return
      expect(new URL(text, ORIGIN).href).toBe(`${ORIGIN}${text}`)
    }),
    { numRuns: 2000 },
  )
})
