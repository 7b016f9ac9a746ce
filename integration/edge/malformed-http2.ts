import type { Fields } from './http2-frames.ts'

/** Changes that make a malformed request of a good GET. */
export type Http2Row = readonly [what: string, change: (fields: Fields) => Fields]

export function replace(name: string, value: string): (fields: Fields) => Fields {
  return (fields) => fields.map(([one, old]) => [one, one === name ? value : old])
}

function without(name: string): (fields: Fields) => Fields {
  return (fields) => fields.filter(([one]) => one !== name)
}

function before(name: string, value: string): (fields: Fields) => Fields {
  return (fields) => [[name, value], ...fields]
}

function after(name: string, value: string): (fields: Fields) => Fields {
  return (fields) => [...fields, [name, value]]
}

function connect(...fields: Fields): (good: Fields) => Fields {
  return (good) => [...fields, ...good.filter(([name]) => !name.startsWith(':'))]
}

/** Refused, and so is what would be another request in the eyes of whoever is behind the gate. */
export const MALFORMED_HTTP2: readonly Http2Row[] = [
  ['a Connection header', after('connection', 'x-forwarded-user')],
  ['an Upgrade header', after('upgrade', 'websocket')],
  ['a Transfer-Encoding', after('transfer-encoding', 'chunked')],
  ['TE other than trailers', after('te', 'gzip')],
  ['HTTP2-Settings', after('http2-settings', 'x')],
  ['a length without a body', after('content-length', '5')],
  ['a line break in a value', after('x-a', 'b\r\nX-Forwarded-User: forged')],
  ['a line break in a name', after('x-a: b\r\nx-forwarded-user', 'forged')],
  ['a NUL in a value', after('x-a', 'b\0forged')],
  ['a colon in a name', after('x-forwarded-user: forged', 'b')],
  ['a space at the end of a name', after('x-forwarded-user ', 'forged')],
  ['a name in upper case', after('X-Forwarded-User', 'forged')],
  ['a line break in the path', replace(':path', '/x HTTP/1.1\r\nX-Forged: 1')],
  ['a line break in the method', replace(':method', 'GET /y HTTP/1.1\r\nX-Forged: 1\r\n')],
  ['a space in the method', replace(':method', 'GET /y')],
  ['a line break in the authority', replace(':authority', 'localhost\r\nX-Forged: 1')],
  ['two paths', before(':path', '/api/2.0/secrets/get')],
  ['a second path among the headers', after(':path', '/api/2.0/secrets/get')],
  ['two methods', before(':method', 'DELETE')],
  ['two authorities', before(':authority', 'forged')],
  ['an authority among the headers', after(':authority', 'forged')],
  ['an unknown pseudo-header', before(':forged', 'x')],
  ['a Host that is not the authority', after('host', 'forged')],
  ['an authority that is no host', replace(':authority', 'a/b')],
  ['no path', without(':path')],
  ['no method', without(':method')],
  ['no scheme', without(':scheme')],
  ['no authority', without(':authority')],
  ['dot segments', replace(':path', '/api/../x')],
  ['an absolute path', replace(':path', 'https://forged/x')],
  ['an empty path', replace(':path', '')],
  ['a relative path', replace(':path', 'x')],
  ['the path *', replace(':path', '*')],
  ['two slashes', replace(':path', '//brickgate-authorized')],
  ['TRACE', replace(':method', 'TRACE')],
  ['a method that nobody knows', replace(':method', 'FOO')],
  ['our own pages in another case', replace(':path', '/_Brickgate/version')],
  ['two credentials', after('authorization', 'Bearer forged')],
  ['CONNECT of a host', connect([':method', 'CONNECT'], [':authority', 'forged:443'])],
  ['CONNECT of a path', connect([':method', 'CONNECT'], [':authority', '/x'])],
  [
    'CONNECT of our own prefix',
    connect([':method', 'CONNECT'], [':authority', '//brickgate-authorized']),
  ],
  ['CONNECT with a path, but no protocol', replace(':method', 'CONNECT')],
  [
    'CONNECT with another protocol',
    (fields) => before(':protocol', 'connect-udp')(replace(':method', 'CONNECT')(fields)),
  ],
  [
    'CONNECT with its protocol among the headers',
    (fields) => after(':protocol', 'websocket')(replace(':method', 'CONNECT')(fields)),
  ],
]

/** Forwarded, but as if they had not been there. */
export const HARMLESS_HTTP2: readonly Http2Row[] = [
  ['Keep-Alive', after('keep-alive', 'forged')],
  ['Proxy-Connection', after('proxy-connection', 'forged')],
  ['a protocol without CONNECT', before(':protocol', 'websocket')],
  ['another scheme', replace(':scheme', 'http')],
]
