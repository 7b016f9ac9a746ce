import { describe, expect, it } from 'vitest'
import { type AccessRequest, METHODS } from '../../src/domain/access-request.ts'
import type { Result } from '../../src/domain/result.ts'
import { indexParams } from '../../src/fcgi/params.ts'
import { readAccessRequest } from '../../src/http/access-request.ts'
import { encodePairs, type Pairs } from '../fcgi/encode-fixture.ts'

const ID = '0123456789abcdef0123456789abcdef'
const SESSION = `bgs_${'A'.repeat(43)}`
const GATE: Readonly<Record<string, string>> = {
  BRICKGATE_TARGET: '/api/2.1/jobs/list?limit=1',
  BRICKGATE_METHOD: 'GET',
  BRICKGATE_REQUEST_ID: ID,
  REMOTE_ADDR: '192.0.2.1',
  REQUEST_METHOD: 'GET',
}

function readPairs(pairs: Pairs): Result<AccessRequest> {
  const params = indexParams(encodePairs(pairs))
  if (params === null) throw new Error('these pairs cannot be encoded')
  return readAccessRequest(params, 'internal')
}

/** Reads a valid request with these changes and additions. */
function readWith(changes: Readonly<Record<string, string>>): Result<AccessRequest> {
  return readPairs(Object.entries({ ...GATE, ...changes }))
}

function requestWith(changes: Readonly<Record<string, string>>): AccessRequest {
  const read = readWith(changes)
  if (!read.ok) throw new Error(`refused with ${read.reason}`)
  return read.value
}

const REFUSED = { ok: false, reason: 'bad-request' }

it('reads what the gate recorded', () => {
  const headers = {
    HTTP_AUTHORIZATION: 'Bearer x',
    HTTP_COOKIE: `a=1; __Host-brickgate=${SESSION}; b=2`,
    HTTP_USER_AGENT: 'databricks-sdk-go/0.1',
    HTTP_ORIGIN: 'https://dbx.example.com',
    HTTP_SEC_FETCH_SITE: 'same-origin',
  }
  expect(readWith(headers)).toEqual({
    ok: true,
    value: {
      requestId: ID,
      tier: 'internal',
      method: 'GET',
      target: '/api/2.1/jobs/list?limit=1',
      path: '/api/2.1/jobs/list',
      segments: ['api', '2.1', 'jobs', 'list'],
      sourceIp: '192.0.2.1',
      userAgent: 'databricks-sdk-go/0.1',
      isNavigation: false,
      presented: {
        authorization: 'Bearer x',
        sessionCookies: [SESSION],
        otherCookies: 'a=1; b=2',
      },
      browser: {
        origin: 'https://dbx.example.com',
        fetchSite: 'same-origin',
        isWebSocketUpgrade: false,
      },
    },
  })
})

it('reads a request that has nothing but what the gate sets', () => {
  const { BRICKGATE_TARGET, BRICKGATE_METHOD, BRICKGATE_REQUEST_ID } = GATE
  const pairs = Object.entries({ BRICKGATE_TARGET, BRICKGATE_METHOD, BRICKGATE_REQUEST_ID })
  const read = readPairs(pairs.map(([name, value]) => [name, value ?? '']))
  expect(read).toMatchObject({
    ok: true,
    value: {
      userAgent: '',
      presented: { authorization: null, sessionCookies: [], otherCookies: '' },
      browser: { origin: null, fetchSite: null, isWebSocketUpgrade: false },
    },
  })
})

describe('the gate', () => {
  const REQUIRED = ['BRICKGATE_TARGET', 'BRICKGATE_METHOD', 'BRICKGATE_REQUEST_ID']

  it.each(REQUIRED)('must have set %s', (name) => {
    expect(readPairs(Object.entries(GATE).filter(([key]) => key !== name))).toEqual(REFUSED)
  })

  it.each(REQUIRED)('must not have left %s empty', (name) => {
    expect(readWith({ [name]: '' })).toEqual(REFUSED)
  })

  it.each([
    'BRICKGATE_TARGET',
    'BRICKGATE_METHOD',
    'BRICKGATE_REQUEST_ID',
    'REMOTE_ADDR',
    'REQUEST_METHOD',
    'HTTP_ACCEPT',
    'HTTP_AUTHORIZATION',
    'HTTP_COOKIE',
    'HTTP_ORIGIN',
    'HTTP_SEC_FETCH_MODE',
    'HTTP_SEC_FETCH_SITE',
    'HTTP_UPGRADE',
    'HTTP_USER_AGENT',
  ])('CVE-2025-64484: is not believed when %s stands twice, even with one value', (name) => {
    const value = GATE[name] ?? 'x'
    const pairs = Object.entries({ ...GATE, [name]: value })
    expect(readPairs(pairs).ok).toBe(true)
    expect(readPairs([...pairs, [name, value]])).toEqual(REFUSED)
  })

  it.each([
    ID.toUpperCase(),
    ID.slice(1),
    `${ID}0`,
    `${ID}\n`,
    `${ID.slice(2)}\r\n`,
    '__proto__',
    ID.replace('0', 'g'),
  ])('makes no request id %j', (id) => {
    expect(readWith({ BRICKGATE_REQUEST_ID: id })).toEqual(REFUSED)
  })
})

describe('methods', () => {
  it.each(METHODS)('%s is one', (method) => {
    expect(requestWith({ BRICKGATE_METHOD: method }).method).toBe(method)
  })

  it.each([
    'get',
    'Get',
    'CONNECT',
    'TRACE',
    'PROPFIND',
    'QUERY',
    'GET ',
    'GET\0',
    '__proto__',
    '0',
  ])('%j is none', (method) => {
    expect(readWith({ BRICKGATE_METHOD: method })).toEqual(REFUSED)
  })
})

describe('advisories', () => {
  it.each([
    ['REQUEST_URI', '/public'],
    ['REDIRECT_URI', '/public'],
    ['HTTP_X_FORWARDED_URI', '/public'],
    ['HTTP_X_ORIGINAL_URL', '/public'],
    ['HTTP_X_REWRITE_URL', '/public'],
    ['HTTP_X_ENVOY_ORIGINAL_PATH', '/public'],
    ['HTTP_BRICKGATE_TARGET', '/public'],
    ['HTTP_X_FORWARDED_METHOD', 'OPTIONS'],
    ['HTTP_X_HTTP_METHOD_OVERRIDE', 'OPTIONS'],
    ['HTTP_X_REQUEST_ID', '0'.repeat(32)],
    ['HTTP_X_FORWARDED_FOR', '10.0.0.1'],
    ['HTTP_X_FORWARDED_PROTO', 'https'],
    ['HTTP_X_BRICKGATE_TIER', 'external'],
  ])('CVE-2026-40575, CVE-2023-27487, CVE-2026-33495: %s means nothing', (name, value) => {
    expect(readWith({ [name]: value })).toEqual(readWith({}))
  })

  it.each(['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0'])(
    'CVE-2026-34457: the user agent %s changes nothing but itself',
    (userAgent) => {
      const plain = requestWith({})
      expect(requestWith({ HTTP_USER_AGENT: userAgent })).toEqual({ ...plain, userAgent })
    },
  )

  it.each(['HTTP_AUTHORIZATION', 'HTTP_COOKIE', 'HTTP_USER_AGENT', 'HTTP_ORIGIN', 'REMOTE_ADDR'])(
    'CVE-2024-23324: refuses %s that is not UTF-8',
    (name) => {
      for (const bytes of ['\xff', 'a\xc3', '\xc0\xae', '\xed\xa0\x80', '\x80']) {
        expect(readWith({ [name]: bytes })).toEqual(REFUSED)
      }
    },
  )

  it.each(['/a/../b', '/a#b', '//a', '/_brickgate/whoami', 'https://x/', '/a\r\nb', '/%ff'])(
    'CVE-2026-33494: refuses the target %j',
    (target) => {
      expect(readWith({ BRICKGATE_TARGET: target })).toEqual(REFUSED)
    },
  )
})

describe('sizes', () => {
  it.each(['HTTP_AUTHORIZATION', 'HTTP_COOKIE'])('%s may have 32,768 bytes', (name) => {
    expect(readWith({ [name]: 'x'.repeat(32_768) }).ok).toBe(true)
    expect(readWith({ [name]: 'x'.repeat(32_769) })).toEqual(REFUSED)
  })

  it('the user agent is cut at 512 characters, never inside one, and the cut is marked', () => {
    const sent = Buffer.from('💩'.repeat(300)).toString('latin1')
    expect(requestWith({ HTTP_USER_AGENT: `a${sent}` }).userAgent).toBe(
      `a${'💩'.repeat(255)}?[cut]`,
    )
    const { userAgent } = requestWith({ HTTP_USER_AGENT: 'x'.repeat(5000) })
    expect(userAgent).toBe(`${'x'.repeat(512)}[cut]`)
    expect(requestWith({ HTTP_USER_AGENT: 'x'.repeat(512) }).userAgent).toBe('x'.repeat(512))
  })
})

it.each([
  ['a\r\nb\tc\0d\x7f', 'a??b?c?d?'],
  ['\xc3\xa9\xc2\x85', 'é?'],
  ['\xe2\x80\xaea\xe2\x80\xa8', '?a?'],
  ['__proto__', '__proto__'],
])('the user agent %j is logged as %j', (sent, logged) => {
  expect(requestWith({ HTTP_USER_AGENT: sent }).userAgent).toBe(logged)
})

describe('a navigation', () => {
  const ACCEPT = 'text/html,application/xhtml+xml,*/*;q=0.8'
  it.each<[title: string, changes: Record<string, string>, isNavigation: boolean]>([
    ['is a GET that accepts HTML', {}, true],
    ['accepts HTML with parameters, in any case', { HTTP_ACCEPT: '*/* , Text/HTML ; q=0.9' }, true],
    ['says so where it can', { HTTP_SEC_FETCH_MODE: 'navigate' }, true],
    ['is no fetch', { HTTP_SEC_FETCH_MODE: 'cors' }, false],
    ['is no fetch of an unknown kind', { HTTP_SEC_FETCH_MODE: '' }, false],
    ['is no HEAD', { BRICKGATE_METHOD: 'HEAD' }, false],
    ['is no POST', { BRICKGATE_METHOD: 'POST' }, false],
    ['is no WebSocket', { HTTP_UPGRADE: 'websocket' }, false],
    ['accepts HTML by name', { HTTP_ACCEPT: '*/*' }, false],
    ['accepts HTML, not what starts so', { HTTP_ACCEPT: 'text/html5' }, false],
    ['accepts HTML, not what ends so', { HTTP_ACCEPT: 'x-text/html' }, false],
    ['accepts something', { HTTP_ACCEPT: '' }, false],
  ])('%s', (_, changes, isNavigation) => {
    expect(requestWith({ HTTP_ACCEPT: ACCEPT, ...changes }).isNavigation).toBe(isNavigation)
  })
})

describe('a WebSocket upgrade', () => {
  it.each([
    { HTTP_UPGRADE: 'websocket' },
    { HTTP_UPGRADE: 'h2c, WebSocket' },
    { HTTP_UPGRADE: '' },
  ])('is any upgrade: %j', (changes) => {
    expect(requestWith(changes).browser.isWebSocketUpgrade).toBe(true)
  })

  it('is an extended CONNECT of HTTP/2 too', () => {
    const { method, browser } = requestWith({ REQUEST_METHOD: 'CONNECT' })
    expect([method, browser.isWebSocketUpgrade]).toEqual(['GET', true])
  })
})

it('keeps the origin null apart from none', () => {
  expect(requestWith({ HTTP_ORIGIN: 'null' }).browser.origin).toBe('null')
})
