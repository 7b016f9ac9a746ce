import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { macOfAllow } from '../../sidecar/src/config/proof.ts'
import type { Behaviour } from '../harness/authorizer.ts'
import { end, record, stderr, stdout } from '../harness/fastcgi.ts'

/** The proofs of the gates that these tables are tried on: their file's two lines. */
export const PROOFS: readonly [current: string, previous: string] = [
  randomBytes(32).toString('hex'),
  randomBytes(32).toString('hex'),
]

/** The value of an allow for each proof. */
export const CURRENT_ALLOW_MAC: string = macOfAllow(PROOFS[0])
export const PREVIOUS_ALLOW_MAC: string = macOfAllow(PROOFS[1])

/** Sends these bytes and closes the connection, as FastCGI servers do. */
export function sends(...bytes: readonly Buffer[]): Behaviour {
  return (socket) => socket.end(Buffer.concat(bytes))
}

/** Sends a reply that is well-formed FastCGI. */
export function replies(text: string): Behaviour {
  return sends(stdout(text), end())
}

/** A workspace of the tests takes every well-formed token. */
const UPSTREAM_TOKEN = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.'

/** The one right reply, with these variables changed or added. */
export function allow(variables: Readonly<Record<string, string>> = {}): string {
  const all = {
    BRICKGATE_PROOF: CURRENT_ALLOW_MAC,
    BRICKGATE_TIER: 'internal',
    BRICKGATE_USER: 'alice',
    BRICKGATE_AUTHORIZATION: `Bearer ${UPSTREAM_TOKEN}`,
    ...variables,
  }
  const lines = Object.entries(all).map(([name, value]) => `Variable-${name}: ${value}\r\n`)
  return `Status: 200\r\n${lines.join('')}\r\n`
}

function withAllowMac(mac: string): Behaviour {
  return replies(allow({ BRICKGATE_PROOF: mac }))
}

const ALLOW = allow()
const ALLOW_MAC_LINE = `Variable-BRICKGATE_PROOF: ${CURRENT_ALLOW_MAC}\r\n`

/** How the gate answers in the authorizer's place; the access log has one of the reasons. */
export type Misbehaviour = readonly [
  name: string,
  behaviour: Behaviour,
  status: 403 | 503,
  reasons: string,
]

type Unnamed = readonly [name: string, behaviour: Behaviour]

function each(status: 403 | 503, reason: string, rows: readonly Unnamed[]): Misbehaviour[] {
  return rows.map(([name, behaviour]) => [name, behaviour, status, reason])
}

/** lighttpd takes each of these for an allow, or for none that it would have to report. */
const WITHOUT_ALLOW_MAC = each(403, 'no-proof', [
  ['END_REQUEST only', sends(end())],
  ['END_REQUEST only, with app status 1', sends(end({ appStatus: 1 }))],
  ['END_REQUEST only, overloaded', sends(end({ protocolStatus: 2 }))],
  ['STDERR and END_REQUEST, as a crash', sends(stderr('Traceback'), end({ appStatus: 1 }))],
  ['a refusal cut before the blank line', replies('Status: 403\r\n')],
  ['an allow cut before the blank line', replies(ALLOW.slice(0, -2))],
  ['an allow cut in its status', replies('Status: 2')],
  ['a blank header block', replies('\r\n')],
  ['a blank line before the allow', replies(`\r\n${ALLOW}`)],
  ['END_REQUEST before the allow', sends(end(), stdout(ALLOW), end())],
  ['JSON and no header', replies('{"allow":true}')],
  ['JSON and no Status', replies('Content-Type: application/json\r\n\r\n{"allow":true}')],
  ['Location without Status', replies('Location: https://idp.example/\r\n\r\n')],
  ['200 without variables', replies('Status: 200\r\n\r\n')],
  ['200 OK without variables', replies('Status: 200 OK\r\n\r\n')],
  ['200 with an identity', replies('Status: 200\r\nVariable-BRICKGATE_USER: mallory\r\n\r\n')],
  ['200 with X-Sendfile', replies('Status: 200\r\nX-Sendfile: /etc/passwd\r\n\r\n')],
  ['a status line of HTTP', replies('HTTP/1.1 200 OK\r\nVariable-BRICKGATE_USER: m\r\n\r\n')],
  ['an interim 100', replies('Status: 100\r\n\r\n')],
  ['an interim 103', replies(`Status: 103\r\nLink: </a>\r\n\r\n`)],
  ['an interim 103 before a bare 200', replies('Status: 103\r\n\r\nStatus: 200\r\n\r\n')],
  ['no HMAC', replies(ALLOW.replace(ALLOW_MAC_LINE, ''))],
  ['an empty HMAC', withAllowMac('')],
  ['a wrong HMAC', withAllowMac('0'.repeat(64))],
  ['the proof itself', withAllowMac(PROOFS[0])],
  ['a short HMAC', withAllowMac(CURRENT_ALLOW_MAC.slice(0, 63))],
  ['a long HMAC', withAllowMac(`${CURRENT_ALLOW_MAC}0`)],
  ['an HMAC in upper case', withAllowMac(CURRENT_ALLOW_MAC.toUpperCase())],
  ['an HMAC and more', withAllowMac(`${CURRENT_ALLOW_MAC} x`)],
  ['both HMACs, with a comma', withAllowMac(`${CURRENT_ALLOW_MAC}, ${PREVIOUS_ALLOW_MAC}`)],
  ['the HMAC twice', replies(`Status: 200\r\n${ALLOW_MAC_LINE}${ALLOW_MAC_LINE}\r\n`)],
  ['the HMAC as a plain header', replies(ALLOW.replace('Variable-BRICKGATE_P', 'BRICKGATE_P'))],
  ['the HMAC as X-Brickgate-Proof', replies(ALLOW.replace(/V.*PROOF:/, 'X-Brickgate-Proof:'))],
])

/** Of two statuses the last holds for one lighttpd, for another the first that is no 200. */
const TWO_STATUSES = each(403, 'no-proof|authorizer-refused', [
  ['403 followed by a Status of 200', replies('Status: 403\r\nStatus: 200\r\n\r\n')],
])

/** Variables that overwrite what the gate itself set, or that no header can carry. */
const WITH_BAD_VARIABLES = [
  ...each(403, 'bad-stage', [['a stage', replies(allow({ BRICKGATE_STAGE: 'authorized' }))]]),
  ...each(403, 'target-changed', [['a target', replies(allow({ BRICKGATE_TARGET: '/other' }))]]),
  ...each(403, 'method-changed', [['a method', replies(allow({ BRICKGATE_METHOD: 'POST' }))]]),
  ...each(403, 'wrong-tier', [
    ['a listener', replies(allow({ BRICKGATE_LISTENER: 'external' }))],
    ['the other tier', replies(allow({ BRICKGATE_TIER: 'external' }))],
  ]),
  ...each(403, 'bad-variable', [
    ['a user with CR', replies(allow({ BRICKGATE_USER: 'alice\rX-Evil: 1' }))],
    ['a user with NUL', replies(allow({ BRICKGATE_USER: 'alice\0bob' }))],
    ['a user with DEL', replies(allow({ BRICKGATE_USER: 'alice\x7fbob' }))],
    ['a user with a tab', replies(allow({ BRICKGATE_USER: 'alice\tbob' }))],
    ['a user that is not ASCII', replies(allow({ BRICKGATE_USER: 'alic\xe9' }))],
    ['a cookie with CR', replies(allow({ BRICKGATE_COOKIE: 'a=1\rX-Evil: 1' }))],
  ]),
]

/** Refusals that are no answer for a client of Databricks. */
const REFUSED_BADLY = each(403, 'authorizer-refused', [
  ['a status line of HTTP, 403', replies(`HTTP/1.1 403 No\r\n${ALLOW_MAC_LINE}\r\n`)],
  ['403 with the HMAC', replies(`Status: 403\r\n${ALLOW_MAC_LINE}\r\n`)],
  ['403 with a page', replies('Status: 403\r\nContent-Type: text/html\r\n\r\n<p>')],
  ['403 with X-Sendfile', replies('Status: 403\r\nX-Sendfile: /etc/passwd\r\n\r\n')],
])

const NO_WHOLE_SUCCESS = each(503, 'authorizer-malformed', [
  ['a bare 200 without END_REQUEST', sends(stdout('Status: 200\r\n\r\n'))],
  ['an allow without END_REQUEST', sends(stdout(ALLOW))],
  ['101', replies('Status: 101\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n')],
  ['201', replies(`Status: 201\r\n${ALLOW_MAC_LINE}\r\n`)],
  ['204', replies(`Status: 204\r\n${ALLOW_MAC_LINE}Set-Cookie: a=b\r\n\r\n`)],
  ['206', replies('Status: 206\r\nContent-Type: text/plain\r\n\r\npartial')],
  ['299', replies('Status: 299\r\n\r\nx')],
  ['301 without Location', replies('Status: 301\r\n\r\n')],
  ['302 without Location', replies('Status: 302\r\n\r\n')],
  ['304', replies('Status: 304\r\n\r\n')],
])

const STATUS_OF_ANOTHER_FORM = each(503, 'authorizer-unavailable', [
  ['status 0', replies(ALLOW.replace('200', '0'))],
  ['status 20', replies(ALLOW.replace('200', '20'))],
  ['status 2000', replies(ALLOW.replace('200', '2000'))],
  ['status -200', replies(ALLOW.replace('200', '-200'))],
  ['status abc', replies(ALLOW.replace('200', 'abc'))],
  ['status 99999999999', replies(ALLOW.replace('200', '99999999999'))],
])

const NOT_FASTCGI = each(503, 'authorizer-unavailable', [
  ['a close without a word', (socket) => socket.end()],
  ['a reset', 'resets'],
  ['garbage', sends(Buffer.from('garbage, and more than the eight bytes of a record'))],
  ['an answer of HTTP', sends(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))],
  ['zeros', sends(Buffer.alloc(4096))],
  ['bytes of any value', sends(Buffer.from(Array.from({ length: 999 }, (_, i) => i * 7919 + 13)))],
  ['a truncated record', sends(stdout(ALLOW).subarray(0, 40))],
  ['a record of unknown type', sends(record(99, Buffer.from('x')))],
  ['a record of version 9', sends(Buffer.from([9, 6, 0, 1, 0, 0, 0, 0]))],
  ['headers of 70 KB', replies(allow({ BRICKGATE_GROUPS: 'g'.repeat(70_000) }))],
])

/** All wrong replies of an authorizer, and all ways to fail to reply. */
export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  ...WITHOUT_ALLOW_MAC,
  ...TWO_STATUSES,
  ...WITH_BAD_VARIABLES,
  ...REFUSED_BADLY,
  ...NO_WHOLE_SUCCESS,
  ...STATUS_OF_ANOTHER_FORM,
  ...NOT_FASTCGI,
]

/** Never answers. */
export const hangs: Behaviour = () => undefined

/**
 * The right reply in every form in which lighttpd understands it, and what the workspace then sees.
 */
export const ALLOWS: readonly (readonly [name: string, behaviour: Behaviour, user: string])[] = [
  ['whole', replies(ALLOW), 'alice'],
  ['with the HMAC of the previous proof', withAllowMac(PREVIOUS_ALLOW_MAC), 'alice'],
  ['byte by byte', byteByByte, 'alice'],
  ['in records of one byte', sends(...Array.from(ALLOW, (one) => stdout(one)), end()), 'alice'],
  ['with a body, which nobody gets', replies(`${ALLOW}body`), 'alice'],
  ['with bare line feeds', replies(ALLOW.replaceAll('\r\n', '\n')), 'alice'],
  ['with a warning on STDERR', sends(stderr('warning'), stdout(ALLOW), end()), 'alice'],
  ['twice', sends(stdout(ALLOW), end(), stdout(ALLOW), end()), 'alice'],
  ['with a variable cut by LF', replies(allow({ BRICKGATE_USER: 'bob\nX-Evil: 1' })), 'bob'],
]

function byteByByte(socket: Socket): void {
  socket.setNoDelay(true)
  for (const byte of Buffer.concat([stdout(ALLOW), end()])) socket.write(Buffer.from([byte]))
  socket.end()
}

/** Refusals in the authorizer's own words. */
export const REFUSALS: readonly (readonly [
  status: number,
  headers: Readonly<Record<string, string>>,
])[] = [
  [400, {}],
  [401, { 'www-authenticate': 'Bearer realm="brickgate", error="invalid_token"' }],
  [403, {}],
  [429, { 'retry-after': '7' }],
  [500, {}],
  [503, { 'retry-after': '2' }],
  [302, { location: 'https://localhost/_brickgate/sign-in' }],
]
