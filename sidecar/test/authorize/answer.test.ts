import { beforeEach, describe, expect, it } from 'vitest'
import { type AnswerDeps, createAnswer, type DecisionEvent } from '../../src/authorize/answer.ts'
import { type AuthenticateDeps, createAuthenticate } from '../../src/authorize/authenticate.ts'
import { type CheckDeps, createCheck } from '../../src/authorize/check.ts'
import type { Reply } from '../../src/fcgi/reply.ts'
import { SESSION, SESSION_ID } from '../support/session-fixture.ts'
import { createDeciding, type Deciding, paramsWith, REQUEST_ID } from './check-fixture.ts'

const ALLOW_MAC = 'ab'.repeat(32)

let deciding: Deciding
let later: (() => void)[]
let events: DecisionEvent[]
let failures: unknown[]

beforeEach(async () => {
  deciding = await createDeciding()
  await deciding.put({ ...SESSION, tier: 'external' })
  later = []
  events = []
  failures = []
})

type Params = Readonly<Record<string, string>>

function answer(params: Params, deps: Partial<AnswerDeps> = {}): Promise<Reply> {
  const check = createCheck(deciding.checkDeps)
  const observer = {
    decided: (event: DecisionEvent) => void events.push(event),
    failed: (error: unknown) => void failures.push(error),
  }
  const afterReply = (task: () => void) => void later.push(task)
  const own = { signInAt: null, allowMac: ALLOW_MAC, afterReply }
  const answering = { check, observer, clock: deciding.clock, ...own, ...deps }
  return createAnswer(answering)(paramsWith(params), 'external')
}

function bearer(): Params {
  return { HTTP_AUTHORIZATION: `Bearer ${deciding.mint()}` }
}

function observe(): void {
  for (const task of later) task()
}

describe('an allow', () => {
  it('is a 200 with the HMAC of an allow and its obligations', async () => {
    const { status, headers, body } = await answer(bearer())

    expect({ status, body }).toEqual({ status: 200, body: '' })
    expect(headers[0]).toEqual(['Variable-BRICKGATE_PROOF', ALLOW_MAC])
    expect(headers).toContainEqual(['Variable-BRICKGATE_TIER', 'external'])
  })

  it('is told to the observer only after the reply, with the time that it took', async () => {
    const check = createCheck(deciding.checkDeps)
    deciding.clock.ms = 70
    await answer(bearer(), {
      check: (request) => {
        deciding.clock.ms += 1.5
        return check(request)
      },
    })

    expect(events).toEqual([])
    observe()
    expect(events).toMatchObject([
      {
        requestId: REQUEST_ID,
        request: { path: '/api/2.1/jobs/list', method: 'GET', sourceIp: '192.0.2.1' },
        tier: 'external',
        decision: { effect: 'allow' },
        durationMicroseconds: 1500,
      },
    ])
  })
})

describe('a denial', () => {
  it('is an error for the client without any variable', async () => {
    const { status, headers, body } = await answer({})

    expect(status).toBe(401)
    expect(headers).toContainEqual(['WWW-Authenticate', 'Bearer realm="brickgate"'])
    expect(headers.filter(([name]) => name.startsWith('Variable-'))).toEqual([])
    expect(JSON.parse(body)).toEqual({
      error_code: 'UNAUTHENTICATED',
      message: `no credential was sent (request id ${REQUEST_ID})`,
    })
  })

  it('is told to the observer only after the reply', async () => {
    await answer({})
    expect(events).toEqual([])
    observe()
    expect(events).toMatchObject([{ decision: { effect: 'deny', reason: 'no-credential' } }])
  })
})

describe('a page navigation without a good credential', () => {
  const page = { HTTP_ACCEPT: 'text/html' }
  const signInAt = { internal: 'https://in.example.com', external: 'https://ex.example.com' }

  it('is redirected to sign-in on its own tier, and told of as the denial it is', async () => {
    const { status, headers } = await answer(page, { signInAt })
    observe()

    expect(status).toBe(303)
    const at = 'https://ex.example.com/_brickgate/sign-in?return_to=%2Fapi%2F2.1%2Fjobs%2Flist'
    expect(headers).toContainEqual(['Location', at])
    expect(events).toMatchObject([{ decision: { effect: 'deny', reason: 'no-credential' } }])
  })

  it('keeps its refusal where nobody can sign in', async () => {
    expect((await answer(page)).status).toBe(401)
  })

  it('keeps its refusal while Redis does not answer', async () => {
    deciding.memory.isDown = true
    const cookie = { HTTP_COOKIE: `__Host-brickgate=${SESSION_ID}` }
    const { status, headers } = await answer({ ...page, ...cookie }, { signInAt })
    expect(status).toBe(503)
    expect(headers).toContainEqual(['Retry-After', '5'])
  })

  it('keeps its refusal when the request cannot be read', async () => {
    expect((await answer({ ...page, HTTP_ORIGIN: '\xff' }, { signInAt })).status).toBe(400)
  })
})

describe('a request that cannot be read', () => {
  it('is refused under its id, and told of', async () => {
    const { status, body } = await answer({ ...bearer(), HTTP_ORIGIN: '\xff' })
    observe()

    expect(status).toBe(400)
    expect(body).toContain(REQUEST_ID)
    expect(events).toMatchObject([
      { requestId: REQUEST_ID, request: null, decision: { reason: 'bad-request' } },
    ])
  })

  it.each(['', 'short', `${REQUEST_ID}0`, REQUEST_ID.toUpperCase(), 'g'.repeat(32)])(
    'is refused without an id where `%s` is no id',
    async (id) => {
      const { status, body } = await answer({ ...bearer(), BRICKGATE_REQUEST_ID: id })
      observe()

      expect(status).toBe(400)
      expect(JSON.parse(body)).toEqual({
        error_code: 'BAD_REQUEST',
        message: 'the request is malformed',
      })
      expect(events).toMatchObject([{ requestId: null, request: null }])
    },
  )
})

describe('a collaborator that fails never yields an allow:', () => {
  const failure = new Error('broken')
  const throws = (): never => {
    throw failure
  }
  const rejects = (): Promise<never> => Promise.reject(failure)

  function expectFailed({ status, headers, body }: Reply): void {
    expect(status).toBe(500)
    expect(headers.filter(([name]) => name.startsWith('Variable-'))).toEqual([])
    expect(JSON.parse(body)).toMatchObject({ error_code: 'INTERNAL_ERROR' })
    expect(body).not.toContain('broken')
    expect(failures).toEqual([failure])
    observe()
    expect(events).toMatchObject([{ decision: { effect: 'deny', reason: 'internal-error' } }])
  }

  describe.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('%s', (_, fail) => {
    it('the check', async () => {
      expectFailed(await answer(bearer(), { check: fail }))
    })

    it.each<[string, (deps: AuthenticateDeps) => Partial<AuthenticateDeps>, () => Params]>([
      ['the verifier', () => ({ verifier: { verify: fail } }), bearer],
      ['the revocations', () => ({ revocations: { check: fail } }), bearer],
      ['the sessions', () => ({ sessions: { resolve: fail } }), sessionBearer],
      ['the revocations of a session', () => ({ revocations: { check: fail } }), sessionBearer],
    ])('%s', async (_name, change, params) => {
      const deps = { ...deciding.authenticateDeps, ...change(deciding.authenticateDeps) }
      const authenticate = createAuthenticate(deps)
      const check = createCheck({ ...deciding.checkDeps, authenticate })
      expectFailed(await answer(params(), { check }))
    })
  })

  it.each<[string, Partial<CheckDeps>]>([
    [
      'the policies',
      { policies: Object.defineProperty({ policies: [] }, 'policies', { get: throws }) },
    ],
    ['the upstream credential', { upstream: { authorizationFor: throws } }],
    ['the wall clock', { clock: { nowSeconds: throws, monotonicMs: () => 0 } }],
    [
      'a credential that could end its line',
      { upstream: { authorizationFor: () => ({ ok: true, value: 'Bearer x\r\n' }) } },
    ],
  ])('%s', async (_, change) => {
    const check = createCheck({ ...deciding.checkDeps, ...change })
    const { status, headers } = await answer(bearer(), { check })

    expect(status).toBe(500)
    expect(headers.filter(([name]) => name.startsWith('Variable-'))).toEqual([])
    expect(failures).toHaveLength(1)
  })

  it('an observer that throws is heard of after the reply', async () => {
    const observer = { decided: throws, failed: throws }

    expect((await answer(bearer(), { observer })).status).toBe(200)
    expect(observe).toThrow(failure)
  })
})

function sessionBearer(): Params {
  return { HTTP_AUTHORIZATION: `Bearer ${SESSION_ID}`, BRICKGATE_REQUEST_ID: REQUEST_ID }
}
