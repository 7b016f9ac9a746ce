import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../harness/answer.ts'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import {
  type AuditedRefusal,
  auditedRefusal,
  ensureServes,
  forbidden,
  unauthorized,
} from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

const PATH = '/api/2.1/clusters/list'
const NOW = Math.floor(Date.now() / 1000)
/** two of the shared stack's `jwks.refresh_s`, and what a slow machine may take */
const JUDGED_WITHIN_MS = 8000
const ALICE = { sub: 'alice', groups: ['analysts'] }

let stack: StackClient
/** a good token: what each of the others differs from in one thing */
let good: string
const presented: string[] = []
const requestIds = new Set<unknown>()

beforeAll(async () => {
  stack = stackClient(sharedStack())
  good = await stack.mint(ALICE)
})

beforeEach(() => stack.forgetUpstreamRequests())

afterEach(() => ensureServes(stack, good))

afterAll(() => stack.close())

/** Until the keys were fetched once more: before, an unknown key id is 503. */
async function present(token: string): Promise<AuditedRefusal> {
  const giveUpMs = Date.now() + JUDGED_WITHIN_MS
  let answer = await presentOnce(token)
  while (answer.status === 503 && Date.now() < giveUpMs) {
    await pause(100)
    answer = await presentOnce(token)
  }
  return auditedRefusal(stack, answer)
}

async function presentOnce(token: string): Promise<Answer> {
  const answer = await stack.sendAs(token, PATH)
  presented.push(token)
  requestIds.add(answer.headers['x-request-id'])
  return answer
}

describe('a bearer that is no JWT is refused as malformed', () => {
  it.each([
    ['a word', 'token'],
    ['a personal access token of Databricks', `dapi${'0'.repeat(32)}`],
    ['three words', 'a.b.c'],
    ['dots alone', '..'],
    ['a token of four parts', 'e30.e30.e30.e30'],
    ['an encrypted token of five parts', 'eyJhbGciOiJkaXIifQ..YWJj.YWJj.YWJj'],
    ['empty objects', 'e30.e30.'],
    ['a header that is null', 'bnVsbA.e30.'],
    ['a header that is an array', 'W10.e30.'],
    ['bytes that are no UTF-8', '_____w.e30.'],
    ['padding', 'e30=.e30=.'],
    ['a word with an equals sign at its end', 'token='],
  ])('a bearer that is no JWT is refused as malformed: %s', async (_, token) => {
    expect(await present(token)).toEqual(unauthorized('malformed-token'))
  })
})

describe('a token signed by the provider is refused for', () => {
  it.each([
    ['alg none', { __header: { alg: 'none' } }, 'algorithm-not-allowed'],
    ['alg NONE', { __header: { alg: 'NONE' } }, 'algorithm-not-allowed'],
    [
      'HS256 with the public key as secret',
      { __header: { alg: 'HS256' } },
      'algorithm-not-allowed',
    ],
    [
      'an algorithm that the issuer is not trusted with',
      { __header: { alg: 'RS512' } },
      'algorithm-not-allowed',
    ],
    ['an alg that is a number', { __header: { alg: 1 } }, 'malformed-token'],
    ['a critical header', { __header: { crit: ['b64'], b64: false } }, 'malformed-token'],
    ['a kid that is an object', { __header: { kid: {} } }, 'malformed-token'],
    ['a kid that is nobody’s', { __header: { kid: '__proto__' } }, 'unknown-key'],
    ['typ logout+jwt', { __header: { typ: 'logout+jwt' } }, 'wrong-token-type'],
    [
      'typ application/logout+jwt',
      { __header: { typ: 'application/logout+jwt' } },
      'wrong-token-type',
    ],
    ['typ secevent+jwt', { __header: { typ: 'secevent+jwt' } }, 'wrong-token-type'],
    ['typ dpop+jwt', { __header: { typ: 'dpop+jwt' } }, 'wrong-token-type'],
    [
      'an events claim',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      'wrong-token-type',
    ],
    ['an empty events claim', { events: [] }, 'wrong-token-type'],
    ['a nonce, as ID tokens have', { nonce: 'n' }, 'wrong-token-type'],
    ['no exp', { exp: null }, 'malformed-token'],
    ['exp 1e300', { exp: 1e300 }, 'malformed-token'],
    ['exp -1', { exp: -1 }, 'malformed-token'],
    ['an exp that is text', { exp: String(NOW + 600) }, 'malformed-token'],
    ['an exp that is an array', { exp: [NOW + 600] }, 'malformed-token'],
    ['exp in the year 9999', { exp: 253_402_300_799 }, 'token-lifetime-too-long'],
    ['exp after 2^31', { exp: 2 ** 31 }, 'token-lifetime-too-long'],
    ['exp longer ago than the leeway', { iat: NOW - 600, exp: NOW - 61 }, 'token-expired'],
    ['no iat', { iat: null }, 'malformed-token'],
    ['iat in an hour', { iat: NOW + 3600, exp: NOW + 7200 }, 'token-not-yet-valid'],
    ['nbf in an hour', { nbf: NOW + 3600 }, 'token-not-yet-valid'],
    ['auth_time after iat', { auth_time: NOW + 3600 }, 'malformed-token'],
    ['no aud', { aud: null }, 'wrong-audience'],
    ['an aud array without ours', { aud: ['api://other', 'api://databricks/'] }, 'wrong-audience'],
    ['an empty aud array', { aud: [] }, 'wrong-audience'],
    ['an aud that is an object', { aud: { 'api://databricks': true } }, 'malformed-token'],
    ['an issuer that nobody trusts', { iss: 'https://evil.example.com' }, 'unknown-issuer'],
    ['no issuer', { iss: null }, 'malformed-token'],
    ['no subject', { sub: null }, 'malformed-token'],
    ['an empty subject', { sub: '' }, 'malformed-token'],
    ['a subject with a line break', { sub: 'alice\r\nX-Forwarded-User: admin' }, 'malformed-token'],
    ['a subject with a NUL', { sub: 'alice\0' }, 'malformed-token'],
    ['a subject outside ASCII', { sub: 'älice' }, 'malformed-token'],
    ['a subject of 256 bytes', { sub: 's'.repeat(256) }, 'malformed-token'],
    [
      'a subject of 86 spaces, each of which is 3 bytes',
      { sub: ' '.repeat(86) },
      'malformed-token',
    ],
    ['a subject of 300 bytes', { sub: 's'.repeat(300) }, 'malformed-token'],
    ['a subject that is a number', { sub: 7 }, 'malformed-token'],
    ['a user named as a client is', { sub: 'client:demo-ci' }, 'malformed-token'],
    ['a token id of 300 bytes', { jti: 'j'.repeat(300) }, 'malformed-token'],
    ['a DPoP key that it is bound to', { cnf: { jkt: 'x' } }, 'sender-constrained-token'],
    ['a certificate that it is bound to', { cnf: { 'x5t#S256': 'x' } }, 'sender-constrained-token'],
  ])('a token signed by the provider is refused for %s', async (_, claims, reason) => {
    const token = await stack.mint({ ...ALICE, ...claims })
    expect(await present(token)).toEqual(unauthorized(reason))
  })

  it('a token signed by the provider is refused for an issuer that differs in a slash', async () => {
    const issuer = `https://localhost:${stack.info.demo.ports.idp}/`
    const token = await stack.mint({ ...ALICE, iss: issuer })
    expect(await present(token)).toEqual(unauthorized('unknown-issuer'))
  })

  it.each<[string, unknown]>([
    ['objects', [{ name: 'platform-admins' }]],
    ['1,001', Array(1_001).fill('a')],
    ['one of 257 characters', ['analysts', 'a'.repeat(257)]],
  ])(
    'a token signed by the provider is refused for groups that cannot be used whole, with 403: %s',
    async (_, groups) => {
      const token = await stack.mint({ sub: 'alice', groups })
      expect(await present(token)).toEqual(forbidden('groups-unusable'))
    },
  )

  it('a token signed by the provider is refused for a claim, which message, challenge and audit record name', async () => {
    const answer = await stack.sendAs(await stack.mint({ ...ALICE, nonce: 'a-word' }), PATH)
    requestIds.add(answer.headers['x-request-id'])
    expect(Object(JSON.parse(answer.body)).message).toMatch(
      /^the token is not an access token \(claim nonce\)/,
    )
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="brickgate", error="invalid_token", error_description="the token is not an access token (claim nonce)"',
    )
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit).toMatchObject({ reason: 'wrong-token-type', claim: 'nonce' })
  })

  it('a token signed by the provider is refused for groups that are to be fetched elsewhere, with 403', async () => {
    const token = await stack.mint({ sub: 'alice', _claim_names: { groups: 'src1' } })
    expect(await present(token)).toEqual(forbidden('groups-unknown'))
  })
})

describe('a token that the provider did not sign is refused, such as one', () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

  it('a token that the provider did not sign is refused, such as a token with other claims under a good signature', async () => {
    const [header, , signature] = good.split('.')
    const claims = encode({ ...payloadOf(good), sub: 'admin', groups: ['platform-admins'] })
    expect(await present(`${header}.${claims}.${signature}`)).toEqual(unauthorized('bad-signature'))
  })

  it('a token that the provider did not sign is refused, such as a token with its signature cut off', async () => {
    expect(await present(good.slice(0, good.lastIndexOf('.') + 1))).toEqual(
      unauthorized('bad-signature'),
    )
  })

  it('a token that the provider did not sign is refused, such as a token with its signature cut short', async () => {
    expect(await present(good.slice(0, -8))).toEqual(unauthorized('bad-signature'))
  })

  it('a token that the provider did not sign is refused, such as a token of a stranger’s key under a published kid', async () => {
    expect(await present(strangersToken(headerOf(good)))).toEqual(unauthorized('bad-signature'))
  })

  it('a token that the provider did not sign is refused, such as a token of a stranger’s key that it brings along', async () => {
    const jwk = stranger.publicKey.export({ format: 'jwk' })
    const jku = 'https://evil.example.com/jwks'
    expect(await present(strangersToken({ ...headerOf(good), jwk, jku }))).toEqual(
      unauthorized('bad-signature'),
    )
  })

  it('a token that the provider did not sign is refused, such as a token of a stranger’s key under an unknown kid', async () => {
    const header = { ...headerOf(good), kid: '../../../../dev/null' }
    expect(await present(strangersToken(header))).toEqual(unauthorized('unknown-key'))
  })

  function strangersToken(header: object): string {
    return signed(header, payloadOf(good), stranger.privateKey)
  }
})

it('no audit line of a refused token names anyone', () => {
  const lines = auditLines(stack.info).filter((line) => requestIds.has(line.request_id))
  expect(lines).toHaveLength(requestIds.size)
  const nobody = { subject: null, email: null, issuer: null, client_id: null, token_id: null }
  const expected = { ...nobody, method: 'GET', path: PATH, tier: 'internal' }
  expect(lines).toMatchObject(lines.map(() => expected))
})

it('no log repeats a token that was refused', () => {
  const logs = ['audit.log', 'access.log', 'sidecar.log', 'lighttpd-error.log', 'egress.log']
  const text = logs.map((name) => stackFile(stack.info, `logs/${name}`)).join('\n')
  const parts = presented.flatMap((token) => token.split('.')).filter((part) => part.length > 16)
  expect(parts.length).toBeGreaterThan(100)
  expect(parts.filter((part) => text.includes(part))).toEqual([])
})

function headerOf(token: string): object {
  return decode(token.split('.')[0])
}

function payloadOf(token: string): object {
  return decode(token.split('.')[1])
}

function decode(part = ''): object {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as object
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signed(header: object, claims: object, key: KeyObject): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}
