import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, sendRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import {
  type AuditedRefusal,
  auditedRefusal,
  badRequest,
  ensureServes,
  unauthorized,
} from '../harness/refusals.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'

const PATH = '/api/2.1/clusters/list'
const ALICE = { sub: 'alice', groups: ['analysts'] }
const AMBIGUOUS = badRequest('ambiguous-credential', 'invalid_request')
const BAD_REQUEST = badRequest('bad-request')
const NO_CREDENTIAL = unauthorized('no-credential', 'bare')
const MALFORMED = unauthorized('malformed-token')
const UNKNOWN_SESSION = unauthorized('session-unknown')

let stack: StackClient
/** good credentials, each of which would pass alone */
let token: string
let other: string
let session: string
let otherSession: string
let sids: readonly string[]

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint(ALICE)
  other = await stack.mint({ ...ALICE, sub: 'bob' })
  const [first, second] = [await makeSession(stack), await makeSession(stack)]
  session = first.id
  otherSession = second.id
  sids = [first.sid, second.sid]
})

beforeEach(() => stack.forgetUpstreamRequests())

afterEach(() => ensureServes(stack, token))

afterAll(async () => {
  await stack.redis.del(sids.map((sid) => `bg:session:${sid}`))
  stack.close()
})

type Lines = () => readonly string[]

async function present(lines: Lines): Promise<AuditedRefusal> {
  return auditedRefusal(stack, await sendLines(lines()))
}

describe('more than one credential is refused as ambiguous:', () => {
  it.each<[string, Lines]>([
    ['two bearers merged by a comma', () => [`Authorization: Bearer ${token}, Bearer ${other}`]],
    ['two tokens after one Bearer', () => [`Authorization: Bearer ${token} ${other}`]],
    ['a token with a comma behind it', () => [`Authorization: Bearer ${token},`]],
    ['a comma before a token', () => [`Authorization: , Bearer ${token}`]],
    ['a parameter behind a token', () => [`Authorization: Bearer ${token}, realm="x"`]],
    ['two headers with one bearer each', () => bearers(token, other)],
    ['the same bearer in two headers', () => bearers(token, token)],
    [
      'a bearer and Basic in two headers',
      () => [...bearers(token), `authorization: ${basic('token', other)}`],
    ],
    [
      'two sessions in one cookie header',
      () => [`Cookie: ${cookie(session)}; ${cookie(otherSession)}`],
    ],
    [
      'the same session twice in one cookie header',
      () => [`Cookie: ${cookie(session)}; ${cookie(session)}`],
    ],
    [
      'two sessions in two cookie headers',
      () => [`Cookie: ${cookie(session)}`, `Cookie: ${cookie(otherSession)}`],
    ],
    ['a cookie and a bearer', () => [`Cookie: ${cookie(session)}`, ...bearers(token)]],
    ['a cookie and a session bearer', () => [`Cookie: ${cookie(session)}`, ...bearers(session)]],
    ['a cookie and a broken bearer', () => [`Cookie: ${cookie(session)}`, 'Authorization: Bearer']],
    ['a garbage cookie and a bearer', () => ['Cookie: __Host-brickgate=x', ...bearers(token)]],
    [
      'an empty cookie of our name and a bearer',
      () => ['Cookie: __Host-brickgate=', ...bearers(token)],
    ],
  ])('a request with several credentials is refused as ambiguous: %s', async (_, lines) => {
    expect(await present(lines)).toEqual(AMBIGUOUS)
  })
})

describe('bytes that are not UTF-8 are refused as a bad request in', () => {
  it.each<[string, Lines]>([
    ['Authorization', () => [`Authorization: Bearer ${token}\xff`]],
    ['Cookie', () => [...bearers(token), 'Cookie: theme=\xc3\x28']],
    ['User-Agent', () => [...bearers(token), 'User-Agent: curl/\xfe']],
    ['Origin', () => [...bearers(token), 'Origin: https://\xe9xample.com']],
    ['Accept', () => [...bearers(token), 'Accept: text/html;q=\xff']],
    ['Sec-Fetch-Site', () => [...bearers(token), 'Sec-Fetch-Site: \xf8\x88']],
  ])('bytes that are not UTF-8 are refused as a bad request in %s', async (_, lines) => {
    expect(await present(lines)).toEqual(BAD_REQUEST)
  })
})

describe('a credential of another form is refused:', () => {
  it.each<[string, Lines, AuditedRefusal]>([
    ['none at all', () => [], NO_CREDENTIAL],
    ['an empty cookie header', () => ['Cookie: ;;  ;'], NO_CREDENTIAL],
    ['a cookie of another name', () => [`Cookie: brickgate=${session}`], NO_CREDENTIAL],
    [
      'a cookie of our name in another case',
      () => [`Cookie: __host-BRICKGATE=${session}`],
      NO_CREDENTIAL,
    ],
    ['Bearer without a token', () => ['Authorization: Bearer'], MALFORMED],
    ['a token without a scheme', () => [`Authorization: ${token}`], MALFORMED],
    ['Bearer with a tab', () => [`Authorization: Bearer\t${token}`], MALFORMED],
    ['a quoted token', () => [`Authorization: Bearer "${token}"`], MALFORMED],
    ['UTF-8 behind a token', () => [`Authorization: Bearer ${token}\xc3\xa9`], MALFORMED],
    ['Digest', () => [`Authorization: Digest ${token}`], MALFORMED],
    ['Negotiate', () => ['Authorization: Negotiate YIIBhg=='], MALFORMED],
    ['Basic of another user', () => [`Authorization: ${basic('alice', token)}`], MALFORMED],
    ['Basic without a user', () => [`Authorization: ${basic('', token)}`], MALFORMED],
    ['Basic with a password', () => [`Authorization: ${basic('token', 'hunter 2')}`], MALFORMED],
    [
      'Basic with a personal access token',
      () => [`Authorization: ${basic('token', `dapi${'0'.repeat(32)}`)}`],
      MALFORMED,
    ],
    ['Basic that is no base64', () => ['Authorization: Basic ****'], MALFORMED],
    [
      'Basic with two tokens',
      () => [`Authorization: ${basic('token', `${token},${other}`)}`],
      MALFORMED,
    ],
    ['a session id cut short', () => bearers(session.slice(0, -1)), MALFORMED],
    ['a session id with more behind it', () => bearers(`${session}A`), MALFORMED],
    ['a session id in upper case', () => bearers(session.toUpperCase()), MALFORMED],
    ['garbage in our cookie', () => ['Cookie: __Host-brickgate=%00%0d%0a'], MALFORMED],
    ['a JWT in our cookie', () => [`Cookie: ${cookie(token)}`], MALFORMED],
    ['a session nobody made', () => bearers(randomSession()), UNKNOWN_SESSION],
    [
      'a session nobody made, in our cookie',
      () => [`Cookie: ${cookie(randomSession())}`],
      UNKNOWN_SESSION,
    ],
  ])('a credential of another form is refused: %s', async (_, lines, refusal) => {
    expect(await present(lines)).toEqual(refusal)
  })
})

it('Basic with the user `token` is accepted as bearer and goes upstream as Bearer', async () => {
  const answer = await stack.send(PATH, { headers: { authorization: basic('token', token) } })

  expect(answer.status).toBe(200)
  const [request, ...further] = await stack.upstreamRequests()
  expect(further).toEqual([])
  expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${token}`])
  const audit = await stack.auditOf(requestIdOf(request))
  expect(audit).toMatchObject({ reason: 'allowed', subject: 'demo|alice' })
})

it('nothing gets through, whatever Authorization and Cookie hold', async () => {
  const garbage = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map(toCharacter),
    maxLength: 60,
  })
  const scheme = fc.constantFrom('', 'Bearer ', 'Basic ', 'bearer bgs_', 'Bearer eyJ')
  const session = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(sessionOf)
  const sent = fc.record({
    authorization: fc.option(fc.oneof(fc.tuple(scheme, garbage).map(join), session.map(bearer))),
    cookie: fc.option(fc.oneof(garbage, session.map(cookie), garbage.map(cookie))),
  })
  await fc.assert(
    fc.asyncProperty(sent, async ({ authorization, cookie }) => {
      const lines = [
        ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
        ...(cookie === null ? [] : [`Cookie: ${cookie}`]),
      ]
      expect([400, 401]).toContain((await sendLines(lines)).status)
    }),
    { numRuns: 150 },
  )
  expect(await stack.upstreamRequests()).toEqual([])
})

/** Sends header lines as they stand, in latin1. */
async function sendLines(lines: readonly string[]): Promise<Answer> {
  const listener = stack.listener()
  const head = [`GET ${PATH} HTTP/1.1`, `Host: localhost:${listener.port}`, ...lines]
  const bytes = await sendRaw(listener, `${head.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  return parseAnswer(bytes)
}

function parseAnswer(bytes: string): Answer {
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...fields] = bytes.slice(0, end).split('\r\n')
  const headers = fields.map((field) => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: bytes.slice(end + 4),
  }
}

function bearers(...tokens: readonly string[]): readonly string[] {
  return tokens.map((token) => `Authorization: ${bearer(token)}`)
}

function bearer(token: string): string {
  return `Bearer ${token}`
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function cookie(value: string): string {
  return `__Host-brickgate=${value}`
}

function randomSession(): string {
  return sessionOf(randomBytes(32))
}

function sessionOf(bytes: Uint8Array): string {
  return `bgs_${Buffer.from(bytes).toString('base64url')}`
}

function toCharacter(code: number): string {
  return String.fromCharCode(code)
}

function join(parts: readonly string[]): string {
  return parts.join('')
}
