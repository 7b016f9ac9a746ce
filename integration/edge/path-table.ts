/** A request target as sent, and as the workspace gets it; null when it is refused with 400. */
export type PathRow = readonly [sent: string, forwarded: string | null]

const FILES = '/api/2.0/fs/files/Volumes/a/'

/** Forwarded as they are. */
const PLAIN: readonly PathRow[] = [
  '/',
  '/api/2.1/jobs?x=1',
  '/api/2.0/sql/statements/',
  '/Api/x',
  '/api/...',
  '/api/x.',
  '/api/.x',
  '/api/..x',
  '/a%20b',
  '/a+b',
  '/a%2Bb',
  "/a!$&'()*,:=@b",
  '/a%21%24%26%27%28%29%2A%2C%3A%3D%40b',
  '/a?',
  '/a?b?c',
  '/a?b=/../c',
  '/a?x=/api/public',
  '/a?x=%23',
  '/a?x=%25zz',
  '/a?x=%26%3D',
].map((target) => [target, target])

/** Brought to lighttpd's normal form. */
const NORMALIZED: readonly PathRow[] = [
  ['/%61pi/2.1/jobs', '/api/2.1/jobs'],
  ['/a%7Eb%2D%5f', '/a~b-_'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/caf\xc3\xa9', '/caf%C3%A9'],
  ['/a b', '/a%20b'],
  ['/a[1]"<>^`{|}', '/a%5B1%5D%22%3C%3E%5E%60%7B%7C%7D'],
  ['/a?b=%2f%2e', '/a?b=%2F.'],
  ['/a?b=\\', '/a?b=%5C'],
  ['/a?%zz', '/a?%25zz'],
  ['/jobs?x#y', '/jobs?x'],
  ['/jobs#f', '/jobs'],
  ['/jobs#f?x', '/jobs'],
  ['http://localhost/abs?x', '/abs?x'],
]

const REFUSED: readonly PathRow[] = [
  // dot segments, also encoded, encoded twice, and before a path parameter (CVE-2026-33494)
  ...['/..', '/.', '/api/../admin', '/api/./x', '/api/x/..', '/api/x/.'],
  ...['/api/%2e%2e/admin', '/api/.%2e/admin', '/api/%2E/x', '/api/..%2fadmin', '/api/%2e%2e%2fx'],
  ...['/api/%252e%252e/admin', '/api/%25252e', '/api/..;/admin', '/api/.;x/admin', '//api/..;/'],
  ...['/api/..%3b/admin', '/api/..%23', '/api/..%3f'],
  // slashes that only some see (CVE-2021-29492)
  ...['//', '//evil.com/x', '/api//2.1/jobs', '/api//2.1/./jobs', '/api/%2fadmin', '/a%2F'],
  ...['/api/%252fadmin', '/api\\2.1', '/%5c..%5cadmin', '/a%5Cb', '/a%255cb'],
  // controls, and bytes that are no text (CVE-2024-23324)
  ...['/a%00b', '/a%0d%0ab', '/a%0ab', '/a%7f', '/a\x01b', '/a\x7fb', '/a\tb', '/a%09b'],
  ...['/a?x=%00', '/a?x=%0a', '/a?x=\x01', '/a?x=%7f', '/a?x=%ff'],
  ...['/%ff%fe', '/%c0%ae', '/%C0%AE%C0%AE/x', '/\xff', '/%ed%a0%80', '/a%80'],
  // characters that end a path for some (CVE-2026-41059, CVE-2021-39206)
  ...['/jobs%23f', '/jobs%3Fx', '/jobs%3fx', '/jobs;a=b', '/jobs%3Ba=b', '/jobs%3ba', '/;'],
  ...['/a%25b', '/a%2525b', '/a%zz', '/a%', '/a%2', '/%u002e'],
  // no origin-form (RFC 9112 section 3.2)
  ...['*', '', 'x', 'api/x', 'ftp://x/y', 'http://evil', 'http://other.test/abs', '?x', '#x'],
].map((target) => [target, null])

const FILE_NAMES: readonly PathRow[] = [
  ...['100%25', 'a%23b', 'a%3Fb', 'a;b', 'a%3Bb', 'a%2541', 'a%25252541', '%2523', 'a?x=%2F'],
  // the Databricks CLI escapes the whole name
  ...['a%2Fb', 'a%2Fb/c%2Fd', 'a%2Fb/', 'a%2F100%25', 'a%2Fb%3Bc', 'a%2F...', 'a%2F_brickgate%2Fb'],
].map((name) => [`${FILES}${name}`, `${FILES}${name}`])

const NO_FILE_NAMES: readonly PathRow[] = [
  ...['%252e%252e/x', '%252E', '..;/x', '..%3Bx', '..%253Bx', '.;', '..%23', '..%3F', '..%2523'],
  ...['a%252fb', 'a%25252fb', 'a%255cb', 'a%2500b', 'a%250ab', 'a%257f', 'a//b', 'a/../b'],
  ...['a%25c0%25ae', 'a%25ff', 'a%00', '\\', 'a%5C', '%25252525252e', '%25252e%25252e/'],
  // escaped slashes that make an empty segment or a dot segment, or are escaped twice
  ...['%2F', '%2Fa', 'a%2F', 'a%2f?x', 'a%2F/b', 'a/%2Fb', 'a%2F%2Fb', 'a%2f%2fb', '%2F%2F'],
  ...[
    '..%2F',
    '..%2Fa',
    'a%2F..',
    'a%2F..%2Fb',
    'a%2F.%2Fb',
    'a%2F.',
    'a%2F..;x',
    'a%2F%2e%2e%2fb',
  ],
  ...['a%2F..%2F..%2F..%2F..%2F..%2F..%2Fapi', '..%2F..%2F..%2F..%2F..%2F_brickgate%2Fwhoami'],
  ...[
    '..%2F..%2F..%2F..%2F..%2F..%2F%2Fbrickgate-authorized',
    'a%2Fb%252Fc',
    'a%2F%5Cb',
    'a%2F%00',
  ],
  // no name before the parameter
  ...[';a', '%3Ba', 'a/;', '%253Ba', 'a%2F;', 'a%2F%3Bb', 'a%2F%253Bb'],
  // not stable after four decodings
  ...['a%252525252541', 'a%2525252541'],
].map((name) => [`${FILES}${name}`, null])

/** Where names of users' files stand, and where they only seem to. */
const FILE_PREFIXES: readonly PathRow[] = [
  [`${FILES}a%3bb`, `${FILES}a%3Bb`],
  [`${FILES}a%zz`, `${FILES}a%25zz`],
  ['/api/2.0/fs/directories/V/a%23', '/api/2.0/fs/directories/V/a%23'],
  ['/api/2.0/workspace-files/a%3Fb', '/api/2.0/workspace-files/a%3Fb'],
  ['/api/2.0/fs/%66iles/a%23', '/api/2.0/fs/files/a%23'],
  ['/api/2.0/fs/files', '/api/2.0/fs/files'],
  [`${FILES}a%2fb`, `${FILES}a%2Fb`],
  ['/api/2.0/fs/directories/V%2Fa', '/api/2.0/fs/directories/V%2Fa'],
  ['/api/2.0/workspace-files/import-file/W%2Fa', '/api/2.0/workspace-files/import-file/W%2Fa'],
  ['/api/2.0/fs/files%2Fa', null],
  ['/api/2.0/fs%2Ffiles/a', null],
  ['/api%2F2.0/fs/files/a', null],
  ['/%2Fapi/2.0/fs/files/a', null],
  ['/api/2.0/fs/a%2Fb', null],
  ['/api/2.1/fs/files/a%2Fb', null],
  ['/api/2.0/fs/files;x', null],
  ['/api/2.0/fs/filesx/a%23', null],
  ['/API/2.0/fs/files/a%23', null],
  ['/api/2.1/fs/files/a%23', null],
  ['/x/api/2.0/fs/files/a%23', null],
]

export const PATH_TABLE: readonly PathRow[] = [
  ...PLAIN,
  ...NORMALIZED,
  ...REFUSED,
  ...FILE_NAMES,
  ...NO_FILE_NAMES,
  ...FILE_PREFIXES,
]
