import { describe, expect, it } from 'vitest'
import type { Allow, Deny } from '../../src/domain/decision.ts'
import { type Obligation, obligation } from '../../src/domain/obligation.ts'
import type { Principal } from '../../src/domain/principal.ts'
import { type DenyReason, REASONS } from '../../src/domain/reason.ts'
import { encodeReply, type Reply } from '../../src/fcgi/reply.ts'
import { allowReply, denyReply, type ReplyContext } from '../../src/http/reply.ts'

const ID = '0123456789abcdef0123456789abcdef'
const ALLOW_MAC = 'ab'.repeat(32)
const CONTEXT: ReplyContext = {
  requestId: ID,
  isThrift: false,
}

const ALICE: Principal = {
  issuerName: 'okta',
  subject: '00u1',
  email: null,
  groups: [],
  clientId: null,
  tokenId: 'j1',
  idpSession: null,
  authTimeSeconds: null,
  issuedAtSeconds: 1,
  notBeforeSeconds: null,
  expiresAtSeconds: 2,
}

function allow(obligations: readonly Obligation[]): Allow {
  return {
    effect: 'allow',
    reason: 'allowed',
    credential: 'bearer',
    principal: ALICE,
    sid: null,
    policies: ['p'],
    isFromOutage: false,
    obligations,
  }
}

function deny(reason: DenyReason): Deny {
  return {
    effect: 'deny',
    reason,
    credential: 'bearer',
    principal: ALICE,
    sid: null,
    policies: ['p'],
    isFromOutage: false,
  }
}

function isDenyReason(reason: string): reason is DenyReason {
  return reason !== 'allowed'
}

const DENIALS = Object.keys(REASONS).filter(isDenyReason)

function header(reply: Reply, name: string): string | undefined {
  return reply.headers.find(([key]) => key === name)?.[1]
}

function bodyOf(reply: Reply): { readonly error_code: string; readonly message: string } {
  return JSON.parse(reply.body)
}

describe('an allow', () => {
  it('is exactly 200 with the HMAC of an allow and a variable for each obligation', () => {
    const obligations = [
      obligation('BRICKGATE_USER', '00u1'),
      obligation('BRICKGATE_TIER', 'internal'),
    ]
    expect(allowReply(allow(obligations), ALLOW_MAC)).toEqual({
      status: 200,
      headers: [
        ['Variable-BRICKGATE_PROOF', ALLOW_MAC],
        ['Variable-BRICKGATE_USER', '00u1'],
        ['Variable-BRICKGATE_TIER', 'internal'],
      ],
      body: '',
    })
  })

  it('never carries one variable twice, because lighttpd would join two identities', () => {
    const twice = [obligation('BRICKGATE_USER', 'a'), obligation('BRICKGATE_USER', 'b')]
    expect(() => allowReply(allow(twice), ALLOW_MAC)).toThrow(RangeError)
  })
})

describe('a denial', () => {
  it('looks like one of Databricks', () => {
    expect(denyReply(deny('token-expired'), CONTEXT)).toEqual({
      status: 401,
      headers: [
        ['Content-Type', 'application/json'],
        ['Cache-Control', 'no-store'],
        [
          'WWW-Authenticate',
          'Bearer realm="brickgate", error="invalid_token", error_description="the token has expired"',
        ],
      ],
      body: `{"error_code":"UNAUTHENTICATED","message":"the token has expired (request id ${ID})"}`,
    })
  })

  it.each<[reason: DenyReason, status: number, code: string]>([
    ['bad-request', 400, 'BAD_REQUEST'],
    ['ambiguous-credential', 400, 'BAD_REQUEST'],
    ['no-credential', 401, 'UNAUTHENTICATED'],
    ['policy-forbid', 403, 'PERMISSION_DENIED'],
    ['internal-error', 500, 'INTERNAL_ERROR'],
    ['state-unavailable', 503, 'TEMPORARILY_UNAVAILABLE'],
  ])('for %s is %i %s', (reason, status, code) => {
    const reply = denyReply(deny(reason), CONTEXT)
    expect([reply.status, bodyOf(reply).error_code]).toEqual([status, code])
  })

  it.each<[reason: DenyReason, challenge: string | undefined]>([
    ['no-credential', 'Bearer realm="brickgate"'],
    [
      'ambiguous-credential',
      'Bearer realm="brickgate", error="invalid_request", error_description="more than one credential was sent"',
    ],
    [
      'no-policy-permits',
      'Bearer realm="brickgate", error="insufficient_scope", error_description="no policy permits this request"',
    ],
    ['session-wrong-tier', undefined],
    ['state-unavailable', undefined],
  ])('for %s challenges with %s', (reason, challenge) => {
    expect(header(denyReply(deny(reason), CONTEXT), 'WWW-Authenticate')).toBe(challenge)
  })

  it.each(DENIALS)('for %s can be written, carries no variable and is small', (reason) => {
    const reply = denyReply(deny(reason), CONTEXT)
    const bytes = encodeReply(1, reply).toString('latin1')
    expect(bytes).not.toMatch(/variable-|proof|00u1/i)
    expect(bytes.length).toBeLessThan(600)
    expect(reply.status).toBeGreaterThanOrEqual(400)
  })

  it.each(DENIALS)('for %s has a Retry-After exactly when clients try again', (reason) => {
    const reply = denyReply(deny(reason), CONTEXT)
    const isRetried = reply.status === 429 || reply.status === 503
    expect(header(reply, 'Retry-After')).toBe(isRetried ? '5' : undefined)
  })

  it.each(DENIALS.filter((reason) => REASONS[reason].status === 401))(
    'for %s challenges',
    (reason) => {
      const reply = denyReply(deny(reason), CONTEXT)
      expect(header(reply, 'WWW-Authenticate')).toMatch(/^Bearer realm="/)
    },
  )

  it.each(DENIALS)('for %s describes itself in the characters of RFC 6750', (reason) => {
    expect(REASONS[reason].message).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,120}$/)
  })
})

describe('a denial of Thrift', () => {
  it.each(DENIALS)('for %s has its message and the request id in a header of its own', (reason) => {
    const reply = denyReply(deny(reason), { ...CONTEXT, isThrift: true })
    const message = header(reply, 'X-Thriftserver-Error-Message')
    expect(message).toBe(bodyOf(reply).message)
    expect(message).toMatch(/^[\x20-\x7e]{1,300}$/)
    expect(message).toContain(ID)
    expect(() => encodeReply(1, reply)).not.toThrow()
  })

  it('is the only one with that header', () => {
    expect(
      header(denyReply(deny('policy-forbid'), CONTEXT), 'X-Thriftserver-Error-Message'),
    ).toBeUndefined()
  })
})

describe('no SDK goes on trying after a refusal', () => {
  const RETRY_WORDS = [
    'unexpected error',
    'timed out after ',
    'deadline exceeded',
    'request_limit_exceeded',
    'unknown worker environment',
    '429',
    'rate limit',
    'throttled',
    'try again',
    'temporarily',
    'token bucket',
    'clusternotready',
  ]
  const REFUSALS = DENIALS.filter((reason) => REASONS[reason].status < 429)

  it.each(REFUSALS)('for %s', (reason) => {
    for (const requestId of [ID, '429'.padEnd(32, '0'), '429'.padStart(32, 'f'), null]) {
      const { body } = denyReply(deny(reason), { ...CONTEXT, requestId })
      expect(RETRY_WORDS.filter((word) => body.toLowerCase().includes(word))).toEqual([])
    }
  })
})

it.each([null, '', '__proto__', ID.toUpperCase(), `${ID}\n`, `${ID}0`, '"><script>', '\0'])(
  'repeats no request id like %j',
  (requestId) => {
    const reply = denyReply(deny('bad-request'), { ...CONTEXT, requestId })
    expect(bodyOf(reply).message).toBe('the request is malformed')
  },
)
