import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FILE_PREFIXES, parseTarget } from '../../src/http/target.ts'

const FILES = '/api/2.0/fs/files/'
const DIRECTORIES = '/api/2.0/fs/directories/'
const WORKSPACE_FILES = '/api/2.0/workspace-files/'

function segmentsOf(target: string): readonly string[] | null {
  const parsed = parseTarget(target)
  return parsed.ok ? parsed.value.segments : null
}

describe('segments', () => {
  it.each<[title: string, target: string, segments: readonly string[]]>([
    ['are none for the root', '/', []],
    ['are what stands between slashes', '/api/2.1/jobs/list', ['api', '2.1', 'jobs', 'list']],
    ['leave out a trailing slash', '/api/2.0/sql/statements/', ['api', '2.0', 'sql', 'statements']],
    ['leave out the query', '/a?x=/b/../c', ['a']],
    ['leave out an empty query', '/a?', ['a']],
    ['leave out a query with a second question mark', '/a?b?c', ['a']],
    ['keep case', '/Api/JOBS', ['Api', 'JOBS']],
    ['are decoded', '/a%20b/%2B/%7e', ['a b', '+', '~']],
    ['are decoded as UTF-8', '/%C3%A9/%e2%82%ac/%F0%9F%92%A9', ['é', '€', '💩']],
    ['keep dots that are no dot segment', '/.../.a/a./..a', ['...', '.a', 'a.', '..a']],
    ['keep names of objects', '/__proto__/constructor', ['__proto__', 'constructor']],
    ['keep other reserved characters', "/a:b@c!$&'()*+,=", ["a:b@c!$&'()*+,="]],
    ['keep a verb on the last one', '/api/2.0/x:cancel', ['api', '2.0', 'x:cancel']],
  ])('%s', (_, target, segments) => {
    expect(segmentsOf(target)).toEqual(segments)
  })

  it.each([FILES, DIRECTORIES, WORKSPACE_FILES])(
    'of names under %s may hold ; # ? and %%',
    (at) => {
      const names = ['a;b', 'a#b', '#b#', '?b', 'a?b', 'a;b', '100%', 'a%zz']
      const escaped = ['a;b', 'a%23b', '%23b%23', '%3Fb', 'a%3fb', 'a%3Bb', '100%25', 'a%25zz']
      expect(escaped.map((name) => segmentsOf(`${at}${name}`)?.at(-1))).toEqual(names)
    },
  )

  it.each<[target: string, segments: readonly string[]]>([
    [
      '/api/2.0/workspace-files/import-file/Workspace%2FUsers%2Fpat%40example.com%2Ff.py',
      ['api', '2.0', 'workspace-files', 'import-file', 'Workspace/Users/pat@example.com/f.py'],
    ],
    [
      `${FILES}Volumes%2Fmain%2Fdefault%2Fv%2Fa.txt?overwrite=true`,
      ['api', '2.0', 'fs', 'files', 'Volumes/main/default/v/a.txt'],
    ],
    [`${DIRECTORIES}Volumes%2fa/b%2Fc/`, ['api', '2.0', 'fs', 'directories', 'Volumes/a', 'b/c']],
    [`${FILES}a%2Fb%3Bc%2F100%25`, ['api', '2.0', 'fs', 'files', 'a/b;c/100%']],
  ])('keep an escaped slash inside the name of a file: %s', (target, segments) => {
    expect(segmentsOf(target)).toEqual(segments)
  })

  it('are decoded once, so that a name may hold an escape', () => {
    const name = 'ts=2024-01-01 00%253A00%253A00'.replace(' ', '%20')
    expect(segmentsOf(`${FILES}${name}/x`)?.slice(4)).toEqual(['ts=2024-01-01 00%3A00%3A00', 'x'])
  })
})

it('gives the path as it was sent', () => {
  const parsed = parseTarget('/a%20b/%7e/?q=%20')
  expect(parsed).toMatchObject({ ok: true, value: { path: '/a%20b/%7e/' } })
})

describe('refuses', () => {
  it.each<[what: string, target: string]>([
    ['nothing', ''],
    ['an asterisk', '*'],
    ['absolute-form', 'https://evil.example/api'],
    ['authority-form', 'evil.example:443'],
    ['a relative path', 'api/2.1'],
    ['a query alone', '?x'],
    ['a name alone', '__proto__'],
    ['a scheme-relative reference', '//evil.example/x'],
    ['an empty segment', '/a//b'],
    ['two slashes alone', '//'],
    ['two slashes at the end', '/a//'],
    ["the gate's own path", '//brickgate-authorized'],
    ['a raw space', '/a b'],
    ['a raw space in the query', '/a?b c'],
    ['NUL', '/a\0'],
    ['CR and LF in the query', '/a?b\r\nX: y'],
    ['a final LF', '/a\n'],
    ['DEL', '/a\x7f'],
    ['a raw byte above ASCII', '/\xc3\xa9'],
    ['a raw byte above ASCII in the query', '/a?\xff'],
    ['a wide character', '/\u0141'],
    ['an encoded NUL', '/a%00'],
    ['an encoded LF', '/a%0A'],
    ['an encoded DEL', '/a%7F'],
    ['an encoded C1 control', '/a%C2%85'],
    ['a backslash', '/a\\b'],
    ['an encoded backslash', '/a%5Cb'],
    ['a percent sign alone', '/100%'],
    ['half an escape', '/a%2'],
    ['an escape that is not hex', '/a%zz'],
    ['an escape of IIS', '/a%u002e'],
    ['bytes that are not UTF-8', '/%FF%FE'],
    ['half a character', '/%C3'],
    ['half a character before text', '/%C3a'],
    ['an overlong dot', '/%C0%AE'],
    ['an overlong slash', '/%C0%AF'],
    ['a surrogate', '/%ED%A0%80'],
    ['`;` outside names of files', '/api;x=1/2.1'],
    ['`%3B` outside names of files', '/api%3bx/2.1'],
    ['`%25` outside names of files', '/api/%2541'],
    ['`%23` outside names of files', '/api/a%23b'],
    ['`%3F` outside names of files', '/api/a%3fb'],
    ['`;` beside names of files', '/api/2.0/fs/filesystem/a;b'],
    ['`;` in a prefix in another case', '/api/2.0/FS/files/a;b'],
    ['`;` in a prefix that is escaped', '/api/2.0/fs/file%73/a;b'],
    ['`;` without a name before it', `${FILES}a/;b`],
    ['`%3B` without a name before it', `${FILES}a/%3Bb`],
    ['`%253B` without a name before it', `${FILES}a/%253Bb`],
    ['an escaped slash outside names of files', '/api/2.1%2Fjobs'],
    ['an escaped slash at the end of a prefix', '/api/2.0/fs/files%2Fa'],
    ['an escaped slash in a prefix', '/api/2.0/fs%2Ffiles/a%2Fb'],
    ['an escaped slash at the end', `${FILES}a%2F`],
    ['an escaped slash at the end, before a query', `${FILES}a%2f?x=1`],
    ['an escaped slash before a slash', `${FILES}a%2F/b`],
    ['an escaped slash after a slash', `${FILES}%2Fa`],
    ['two escaped slashes', `${FILES}a%2F%2Fb`],
    ['a dot segment after an escaped slash', `${FILES}a%2F..`],
    ['a dot segment before an escaped slash', `${FILES}..%2Fa`],
    ['a dot segment between escaped slashes', `${FILES}a%2F.%2Fb`],
    ['a dot segment with parameters between escaped slashes', `${FILES}a%2F..;x%2Fb`],
    ['no name before a parameter after an escaped slash', `${FILES}a%2F%3Bb`],
    ['a slash that is escaped twice', `${FILES}a%252Fb`],
    ['a slash that is escaped twice behind one that is not', `${FILES}a%2Fb%252Fc`],
    ['half a character before an escaped slash', `${FILES}a%C3%2F%A9`],
    ['our own pages behind an escaped slash', '/%2F_brickgate/whoami'],
    ['our own pages before an escaped slash', '/_brickgate%2Fwhoami'],
    ["the gate's own path, escaped", '/%2Fbrickgate-authorized'],
    ['our own pages', '/_brickgate/whoami'],
    ['our own pages alone', '/_brickgate'],
    ['our own pages in another case', '/_BrickGate/x'],
    ['our own pages, escaped', '/%5Fbrickgat%65/x'],
    ['our own pages, folded to ASCII', '/_bric%E2%84%AAgate/x'],
    ['what only starts like our own pages', '/_brickgate.x/y'],
  ])('%s', (_, target) => {
    expect(parseTarget(target)).toEqual({ ok: false, reason: 'bad-request' })
  })
})

describe('advisories', () => {
  it('CVE-2025-54576: the query is no part of the path', () => {
    expect(segmentsOf('/private?x=/public')).toEqual(['private'])
    expect(segmentsOf('/private?/../public')).toEqual(['private'])
  })

  it.each(['/a#/public', '/a%23/public', '/a?b#c', '/#', '/a%2523x', '#'])(
    'CVE-2026-41059, CVE-2021-39206: refuses the fragment in %s',
    (target) => {
      expect(segmentsOf(target)).toBeNull()
    },
  )

  const DOTS = ['.', '..', '%2e', '%2E%2e', '.%2e', '%2e.', '..;', '..;x=1', '.;/', '%2e%2e;']
  const DEEPER = [
    '%252e%252e',
    '%252e.',
    '%25252e.',
    '..%3B',
    '..%3Bx',
    '..%253B',
    '..%3Fx',
    '..%23',
  ]
  const SLASHES = ['%2F', 'a%2F/b', 'a%252Fb', 'a%25252fb', 'a%5cb', 'a%255Cb', '..%2f..']
  const ODD = ['%00', '%2500', 'a%250Ab', '%25%30%30', '%2%35c', '%25C0%25AE', '%25FF', '%25C3%A9']
  it.each(
    [...DOTS, ...DEEPER, ...SLASHES, ...ODD].flatMap((part) => [
      `/public/${part}/admin`,
      `/public/${part}`,
      `${FILES}${part}/x`,
      `${DIRECTORIES}x/${part}`,
      `${WORKSPACE_FILES}${part}/`,
    ]),
  )(
    'CVE-2026-33494, CVE-2025-47952, CVE-2025-66490, CVE-2019-9901, CVE-2021-29492: refuses %s',
    (target) => {
      expect(segmentsOf(target)).toBeNull()
    },
  )
})

it('the gate and the sidecar admit the same prefixes of names of files', () => {
  const lua = readFileSync(new URL('../../../lighttpd/lua/target.lua', import.meta.url), 'utf8')
  const list = /FILE_PREFIXES = \{([^}]*)\}/.exec(lua)?.[1] ?? ''
  expect([...list.matchAll(/"([^"]*)"/g)].map(([, prefix]) => prefix)).toEqual(FILE_PREFIXES)
})

describe('depth', () => {
  function encodedTimes(times: number): string {
    return `%${'25'.repeat(times - 1)}41`
  }

  it.each([1, 2, 3, 4])('accepts a name that was encoded %i times', (times) => {
    expect(segmentsOf(`${FILES}${encodedTimes(times)}`)).not.toBeNull()
  })

  it.each([5, 6, 5000])('refuses a name that was encoded %i times', (times) => {
    expect(segmentsOf(`${FILES}${encodedTimes(times)}`)).toBeNull()
  })
})

describe('any target', () => {
  const samples = [
    '/',
    '.',
    '..',
    ';',
    '\\',
    '%',
    '25',
    '2e',
    '2F',
    '%2F',
    '5c',
    '3B',
    '3f',
    '00',
    'c3',
    'a9',
  ]
  const target = fc
    .array(fc.constantFrom(...samples, '%25', '%2e', 'a', 'B', '?', '#', '_brickgate'), {
      maxLength: 14,
    })
    .chain((parts) => fc.constantFrom('/', FILES).map((start) => start + parts.join('')))

  /** Byte by byte, written apart from the code under test. */
  function decodeBytes(text: string): string {
    let out = ''
    for (let at = 0; at < text.length; at++) {
      const hex = text.slice(at + 1, at + 3)
      const isEscape = text[at] === '%' && /^[0-9a-f]{2}$/i.test(hex)
      out += isEscape ? String.fromCharCode(Number.parseInt(hex, 16)) : text[at]
      if (isEscape) at += 2
    }
    return out
  }

  it('that is accepted stays clean however often it is decoded', () => {
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text)
        if (!parsed.ok) return
        const { path, segments } = parsed.value
        expect(text.startsWith(path)).toBe(true)
        expect(Buffer.from(segments.join('/')).toString('latin1')).toBe(
          decodeBytes(path).replace(/^\/|\/$/g, ''),
        )
        const separated = path.replaceAll(/%2F/gi, '/')
        if (separated !== path) expect(text.startsWith(FILES)).toBe(true)
        for (let stage = separated, n = 0; n < 8; n++, stage = decodeBytes(stage)) {
          expect(stage).not.toMatch(/[\0-\x1f\x7f\\]|\/\/|\/\.{1,2}(?:[/;]|$)/)
          expect(stage.split('/').length).toBe(separated.split('/').length)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('is answered, whatever it is', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
    })
    fc.assert(
      fc.property(fc.oneof(latin1, fc.string({ unit: 'binary' })), (text) => {
        expect(parseTarget(text).ok && parseTarget(`/${text}`).ok).toBeTypeOf('boolean')
      }),
    )
  })
})
