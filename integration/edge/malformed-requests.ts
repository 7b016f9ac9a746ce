/**
 * A request that is refused before the sidecar is asked, what it is answered with, and the logged
 * reason.
 */
export interface MalformedRow {
  readonly what: string
  readonly bytes: string
  readonly status: number
  readonly errorCode: string
  readonly reason: string
}

const END = '\r\n\r\n'

/** A GET with further header lines. */
function get(...fields: readonly string[]): string {
  return ['GET /x HTTP/1.1', 'Host: localhost', ...fields].join('\r\n') + END
}

/** A POST of a body as it is. */
function post(body: string, ...fields: readonly string[]): string {
  return `${['POST /x HTTP/1.1', 'Host: localhost', ...fields].join('\r\n')}${END}${body}`
}

function headers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `X${at}: b`)
}

function rows(
  [status, errorCode, reason]: readonly [number, string, string],
  requests: Readonly<Record<string, string>>,
): readonly MalformedRow[] {
  return Object.entries(requests).map(([what, bytes]) => ({
    what,
    bytes,
    status,
    errorCode,
    reason,
  }))
}

const MALFORMED = rows([400, 'BAD_REQUEST', 'bad-request'], {
  'Transfer-Encoding and Content-Length': post(
    '0\r\n\r\n',
    'Transfer-Encoding: chunked',
    'Content-Length: 3',
  ),
  'Content-Length and Transfer-Encoding': post(
    '0\r\n\r\n',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
  ),
  'two lengths': post('ab', 'Content-Length: 1', 'Content-Length: 2'),
  'the same length twice': post('ab', 'Content-Length: 2', 'Content-Length: 2'),
  'a list of lengths': post('ab', 'Content-Length: 2, 2'),
  'a length with a sign': post('abc', 'Content-Length: +3'),
  'a negative length': post('', 'Content-Length: -1'),
  'a length in hex': post('abc', 'Content-Length: 0x3'),
  'a length over 64 bits': post('', 'Content-Length: 99999999999999999999'),
  'a transfer coding before HTTP/1.1': post('0\r\n\r\n', 'Transfer-Encoding: chunked').replace(
    'HTTP/1.1',
    'HTTP/1.0',
  ),
  'a transfer coding after a vertical tab': post('0\r\n\r\n', 'Transfer-Encoding: \x0bchunked'),
  'a space before the colon': get('X-A : b'),
  'a space before the colon of Transfer-Encoding': post('0\r\n\r\n', 'Transfer-Encoding : chunked'),
  'a tab before the colon': get('X-A\t: b'),
  'a line without a colon': get('X-A'),
  'an empty name': get(': b'),
  'a name that is not ASCII': get('X-\xe9: b'),
  'a NUL in a value': get('X-A: b\0c'),
  'a bare CR in a value': get('X-A: b\rX-Forwarded-User: forged'),
  'a bare LF in a value': get('X-A: b\nX-Forwarded-User: forged'),
  'a control character in a value': get('X-A: b\x01c'),
  'a folded line before any header': `GET /x HTTP/1.1\r\n X-A: b\r\nHost: localhost${END}`,
  'a folded Host': `GET /x HTTP/1.1\r\nHost: local\r\n host${END}`,
  'no Host': `GET /x HTTP/1.1${END}`,
  'an empty Host': `GET /x HTTP/1.1\r\nHost:${END}`,
  'two Hosts': get('Host: other'),
  'a Host with a path': `GET /x HTTP/1.1\r\nHost: a/b${END}`,
  'a Host with a user': `GET /x HTTP/1.1\r\nHost: a@b${END}`,
  'a Host with a port that is none': `GET /x HTTP/1.1\r\nHost: a:b${END}`,
  'a target of another host': `GET http://other/x HTTP/1.1\r\nHost: localhost${END}`,
  'a body of a GET': `GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3${END}abc`,
  'HTTP/0.9': `GET /x${END}`,
  'lines that end in LF alone': 'GET /x HTTP/1.1\nHost: localhost\n\n',
  'an empty line before the request': `\r\n${get()}`,
  'two spaces before the target': get().replace(' /x', '  /x'),
  'CONNECT of a host': `CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443${END}`,
  'a TLS record inside TLS': `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${END}`,
})

const REFUSED_BY_GATE = [
  ...rows([400, 'BAD_REQUEST', 'bad-target'], {
    'OPTIONS *': `OPTIONS * HTTP/1.1\r\nHost: localhost${END}`,
  }),
  ...rows([400, 'BAD_REQUEST', 'no-host'], {
    'HTTP/1.0 without Host': `GET /x HTTP/1.0${END}`,
  }),
  ...rows([405, 'METHOD_NOT_ALLOWED', 'method-not-allowed'], {
    TRACE: get().replace('GET', 'TRACE'),
    'CONNECT of a path': get().replace('GET', 'CONNECT'),
    'CONNECT of an address': `CONNECT 1.2.3.4:443 HTTP/1.1\r\nHost: localhost${END}`,
  }),
  ...rows([431, 'REQUEST_TOO_LARGE', 'too-many-headers'], {
    '3,000 headers': get(...headers(3000)),
  }),
]

const REFUSED_BY_LIGHTTPD = [
  ...rows([411, 'LENGTH_REQUIRED', 'length-required'], {
    'a POST without a length': post(''),
    'a POST without a length over HTTP/1.0': post('').replace('HTTP/1.1', 'HTTP/1.0'),
  }),
  ...rows([413, 'REQUEST_TOO_LARGE', 'body-too-large'], {
    'a body of more than 5 GiB': post('', 'Content-Length: 5368709121'),
  }),
  ...rows([431, 'REQUEST_TOO_LARGE', 'headers-too-large'], {
    'a header of 70 KB': get(`X-A: ${'a'.repeat(70_000)}`),
    'a target of 40 KB': get().replace('/x', `/${'a'.repeat(40_000)}`),
    'a query of 40 KB': get().replace('/x', `/x?${'a'.repeat(40_000)}`),
    '8,200 headers': get(...headers(8200)),
  }),
  ...rows([501, 'NOT_IMPLEMENTED', 'not-implemented'], {
    'a method that nobody knows': get().replace('GET', 'FOO'),
    'a method in lower case': get().replace('GET', 'get'),
    'a tab behind the method': get().replace('GET ', 'GET\t'),
    'a NUL in the method': get().replace('GET', 'GE\0T'),
    'an unknown transfer coding': post('', 'Transfer-Encoding: gzip'),
    'two transfer codings': post('0\r\n\r\n', 'Transfer-Encoding: chunked, chunked'),
    'a transfer coding that only ends in chunked': post('0\r\n\r\n', 'Transfer-Encoding: xchunked'),
    'the transfer coding identity': post('', 'Transfer-Encoding: identity'),
  }),
]

export const MALFORMED_REQUESTS: readonly MalformedRow[] = [
  ...MALFORMED,
  ...REFUSED_BY_GATE,
  ...REFUSED_BY_LIGHTTPD,
]

/** Versions of HTTP that are none: 505, or 400 from some version of lighttpd on. */
export const OTHER_VERSIONS: readonly string[] = ['HTTP/1.2', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/9.9']
