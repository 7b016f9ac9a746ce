import { describe, expect, it } from 'vitest'
import { fold, readPaths } from '../../src/policy/path-interpretations.ts'
import {
  compilePattern,
  matchesEveryVariant,
  matchesSomeVariant,
  patternProblem,
} from '../../src/policy/pattern.ts'

function isPermitted(pattern: string, segments: readonly string[]): boolean {
  return matchesEveryVariant(compilePattern(pattern), readPaths(segments)[0].plain)
}

function isForbidden(pattern: string, segments: readonly string[]): boolean {
  return matchesSomeVariant(compilePattern(fold(pattern)), readPaths(segments)[0].folded)
}

describe('a pattern', () => {
  it.each<[title: string, pattern: string, path: string, isMatch: boolean]>([
    ['matches the path it names', '/api/2.0/sql', 'api/2.0/sql', true],
    ['matches what is below', '/api/2.0/sql', 'api/2.0/sql/statements/1', true],
    ['does not match what only starts so', '/api/2.0/sql', 'api/2.0/sqlx', false],
    ['does not match what is above', '/api/2.0/sql', 'api/2.0', false],
    ['does not match elsewhere', '/api/2.0/sql', 'x/api/2.0/sql', false],
    ['does not match the root', '/api', '', false],
    ['may end in a slash', '/api/2.0/', 'api/2.0/sql', true],
    ['is every path as /', '/', 'a/b', true],
    ['is the root too as /', '/', '', true],
    ['matches any one segment by *', '/api/*/sql', 'api/2.0/sql/x', true],
    ['does not match two segments by *', '/api/*/sql', 'api/2.0/x/sql', false],
    ['does not match no segment by *', '/api/*/sql', 'api/sql', false],
    ['needs a segment for a * at the end', '/api/*', 'api', false],
    ['matches below a * at the end', '/api/*', 'api/2.0/x', true],
    ['matches the rest of a segment by *', '/api/token*', 'api/token-management/x', true],
    ['matches an empty rest by *', '/api/token*', 'api/token', true],
    ['does not match less than its beginning', '/api/token*', 'api/toke', false],
    ['takes a dot for a dot', '/api/2.0', 'api/2x0', false],
    ['takes brackets for brackets', '/a/[b](c)+', 'a/[b](c)+', true],
    ['knows no names of objects', '/__proto__', '__proto__', true],
    ['does not inherit', '/a', 'constructor', false],
    ['matches names outside ASCII', '/v/é', 'v/é/x', true],
  ])('%s', (_, pattern, path, isMatch) => {
    const segments = path === '' ? [] : path.split('/')
    expect(isPermitted(pattern, segments)).toBe(isMatch)
    expect(isForbidden(pattern, segments)).toBe(isMatch)
  })

  it.each([
    '',
    'api',
    '*',
    ' /api',
    '//',
    '//api',
    '/api//x',
    '/api///',
    '/./x',
    '/../x',
    '/api/..',
    '/api/%2e',
    '/100%',
    '/a\\b',
    '/a?b=c',
    '/a#b',
    '/a;b',
    '/a\0',
    '/a\n',
    '/a\x7f',
    '/\ud800',
    '/**',
    '/a**',
    '/*a',
    '/a*b',
    '/a*/b',
    '/a/**/b',
    'https://x/api',
  ])('is not %j', (text) => {
    expect(patternProblem(text)).toMatch(/^(must|may) /)
    expect(() => compilePattern(text)).toThrow(RangeError)
  })
})

describe('case', () => {
  it.each([
    ['/api/2.0/secrets', ['api', '2.0', 'Secrets']],
    ['/API/2.0/Secrets', ['api', '2.0', 'secrets']],
    ['/api/2.0/secrets*', ['API', '2.0', 'SECRETSX']],
    ['/k', ['\u212A']],
    ['/secrets', ['\u017Fecrets']],
    ['/ΟΔΟΣ*', ['οδοσx']],
  ])('does not help against a forbid of %s', (pattern, segments) => {
    expect(isForbidden(pattern, segments)).toBe(true)
    expect(isPermitted(pattern, segments)).toBe(false)
  })
})

describe('further decodings', () => {
  it.each([
    ['/v/secret', ['v', 's%65cret']],
    ['/v/secret', ['v', 's%2565cret']],
    ['/v/secret', ['v', '%73%65%63%72%65%74']],
    ['/v/secret', ['v', 'S%45CRET']],
    ['/v/é', ['v', '%C3%A9']],
    ['/v/sec*', ['v', '%73ecret']],
    ['/v/secret', ['%76', 'secret']],
    ['/v/secret', ['v', 'secret;x=1']],
    ['/v/secret', ['v', 'secret%3Bx=1']],
    ['/v/secret', ['v', 's%65cret?x']],
    ['/v/secret', ['v', 'secret#x']],
  ])('neither help against a forbid of %s nor earn a permit: %j', (pattern, segments) => {
    expect(isForbidden(pattern, segments)).toBe(true)
    expect(isPermitted(pattern, segments)).toBe(false)
  })

  it('of the once decoded name do not escape a forbid either', () => {
    expect(isForbidden('/v/*/s', ['v', '%41', 's'])).toBe(true)
  })

  it.each([
    ['/v', ['v', 'ts=00%3A00']],
    ['/v/*', ['v', 'ts=00%3A00', 'a;b']],
    ['/v/ts=*', ['v', 'ts=00%3A00%FF']],
    ['/v', ['v', '100%', '%zz']],
  ])('do not cost a permit of %s when every reading is below it: %j', (pattern, segments) => {
    expect(isPermitted(pattern, segments)).toBe(true)
  })
})
