import { beforeEach, describe, expect, it } from 'vitest'
import { type CheckDeps, createCheck } from '../../src/authorize/check.ts'
import type { Decision } from '../../src/domain/decision.ts'
import { ok, refuse } from '../../src/domain/result.ts'
import type { PolicySet } from '../../src/policy/policy.ts'
import { personalAccessToken } from '../../src/upstream/upstream-credential.ts'
import { ALICE, SESSION, SESSION_ID } from '../support/session-fixture.ts'
import { NOW } from '../verify/token-fixture.ts'
import { createDeciding, type Deciding, REQUEST_ID, requestWith } from './check-fixture.ts'

let deciding: Deciding

beforeEach(async () => {
  deciding = await createDeciding()
  await deciding.put(SESSION)
})

type Params = Readonly<Record<string, string>>

function decide(params: Params, deps: Partial<CheckDeps> = {}): Promise<Decision> {
  return createCheck({ ...deciding.checkDeps, ...deps })(requestWith(params))
}

function bearer(claims: object = {}): Params {
  return { HTTP_AUTHORIZATION: `Bearer ${deciding.mint({ ...claims })}` }
}

const SESSION_BEARER = { HTTP_AUTHORIZATION: `Bearer ${SESSION_ID}` }

it('denies a request that names another workspace, whatever a policy permits', async () => {
  const target = '/api/2.1/clusters/list'
  const ours = await decide({ ...bearer(), BRICKGATE_TARGET: `${target}?o=1234567890123456` })
  const other = await decide({ ...bearer(), BRICKGATE_TARGET: `${target}?o=9999999999999999` })

  expect(ours.effect).toBe('allow')
  expect(other).toMatchObject({ effect: 'deny', reason: 'wrong-workspace' })
})

describe('an allow', () => {
  it('carries the identity and exactly the token that was verified', async () => {
    const token = deciding.mint()

    expect(await decide({ HTTP_AUTHORIZATION: `Bearer ${token}` })).toMatchObject({
      effect: 'allow',
      reason: 'allowed',
      credential: 'bearer',
      principal: { issuerName: 'idp', subject: 'alice' },
      sid: null,
      policies: ['analysts'],
      isFromOutage: false,
      obligations: [
        { variable: 'BRICKGATE_USER', value: 'alice' },
        { variable: 'BRICKGATE_TIER', value: 'internal' },
        { variable: 'BRICKGATE_WORKSPACE_ID', value: '1234567890123456' },
        {
          variable: 'BRICKGATE_USER_AGENT',
          value: `databricks-sdk-py/0.1 brickgate/0.0.0 rid/${REQUEST_ID}`,
        },
        { variable: 'BRICKGATE_GROUPS', value: 'analysts' },
        { variable: 'BRICKGATE_AUTHORIZATION', value: `Bearer ${token}` },
      ],
    })
  })

  it('of more groups than fit says that they were left out, once policies judged by all', async () => {
    const groups = [...Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(250, 'g')), 'analysts']
    const decision = await decide(bearer({ groups }))
    expect(decision).toMatchObject({ effect: 'allow', policies: ['analysts'] })
    expect(obligations(decision)).toContainEqual({
      variable: 'BRICKGATE_GROUPS_STATE',
      value: 'omitted',
    })
  })

  it('makes a Bearer of a token that came by Basic', async () => {
    const token = deciding.mint()
    const basic = Buffer.from(`token:${token}`).toString('base64')

    const decision = await decide({ HTTP_AUTHORIZATION: `Basic ${basic}` })
    expect(obligations(decision)).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: `Bearer ${token}`,
    })
  })

  it('of a session carries its stored token and never its id', async () => {
    const decision = await decide({ HTTP_COOKIE: `__Host-brickgate=${SESSION_ID}; a=1` })

    expect(decision).toMatchObject({ effect: 'allow', credential: 'session', sid: SESSION.sid })
    expect(obligations(decision)).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: `Bearer ${SESSION.accessToken?.token}`,
    })
    expect(JSON.stringify(obligations(decision))).not.toContain('bgs_')
  })

  it('with a shared credential never carries the token of the caller', async () => {
    const params = bearer()

    const decision = await decide(params, { upstream: personalAccessToken('dapi0') })
    expect(obligations(decision)).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: 'Bearer dapi0',
    })
    expect(JSON.stringify(decision)).not.toContain(params['HTTP_AUTHORIZATION'])
  })
})

describe('where the tokens of sessions are refreshed', () => {
  const renewed = { token: 'eyJ.renewed.token', expiresAtSeconds: NOW + 7200, tokenId: 'jti-2' }

  it('a session carries the token of now, never the one before', async () => {
    const asked: unknown[] = []
    const refresh: CheckDeps['refresh'] = {
      freshen: async (session, nowSeconds) => {
        asked.push([session.sid, nowSeconds])
        return ok({ ...session, accessToken: renewed })
      },
    }
    expect(obligations(await decide(SESSION_BEARER, { refresh }))).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: `Bearer ${renewed.token}`,
    })
    expect(asked).toEqual([[SESSION.sid, NOW]])
  })

  it('a session that the provider has ended is refused', async () => {
    const refresh = { freshen: () => refuse('session-revoked') }
    expect(await decide(SESSION_BEARER, { refresh })).toMatchObject({
      effect: 'deny',
      reason: 'session-revoked',
      sid: SESSION.sid,
      policies: ['analysts'],
    })
  })

  it('the token of a caller without a session goes on as it came', async () => {
    const refresh = { freshen: () => refuse('session-revoked') }
    const params = bearer()
    expect(obligations(await decide(params, { refresh }))).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: params['HTTP_AUTHORIZATION'],
    })
  })

  it('nobody asks the provider for what no policy permits', async () => {
    const refresh = { freshen: () => refuse('session-revoked') }
    const unpermitted = { ...SESSION_BEARER, BRICKGATE_TARGET: '/sql' }
    expect(await decide(unpermitted, { refresh })).toMatchObject({ reason: 'no-policy-permits' })
  })
})

describe('a denial', () => {
  it.each<[string, Params, object]>([
    ['without a credential', {}, { reason: 'no-credential', credential: 'none', principal: null }],
    [
      'that a policy forbids names the policy',
      { ...SESSION_BEARER, BRICKGATE_TARGET: '/api/2.0/secrets/get' },
      { reason: 'policy-forbid', policies: ['no-secrets'], principal: ALICE, sid: SESSION.sid },
    ],
    [
      'that no policy permits names none',
      { ...SESSION_BEARER, BRICKGATE_TARGET: '/sql/1.0/warehouses/x' },
      { reason: 'no-policy-permits', policies: [], principal: ALICE, sid: SESSION.sid },
    ],
  ])('%s', async (_, params, expected) => {
    const decision = await decide(params)
    expect(decision).toMatchObject({ effect: 'deny', ...expected })
    expect(decision).not.toHaveProperty('obligations')
  })

  it('for want of an upstream credential comes after the policies had their say', async () => {
    await deciding.put({ ...SESSION, accessToken: null })

    expect(await decide(SESSION_BEARER)).toMatchObject({
      effect: 'deny',
      reason: 'upstream-credential-unavailable',
      policies: ['analysts'],
      isFromOutage: false,
    })
    const unpermitted = { ...SESSION_BEARER, BRICKGATE_TARGET: '/sql' }
    expect(await decide(unpermitted)).toMatchObject({ reason: 'no-policy-permits' })
  })

  it('while the egress does not answer comes after the policies had their say', async () => {
    const isEgressFrozen = (): boolean => true
    expect(await decide(bearer({}), { isEgressFrozen })).toMatchObject({
      effect: 'deny',
      reason: 'egress-unavailable',
      policies: ['analysts'],
    })
    const unpermitted = { ...bearer({}), BRICKGATE_TARGET: '/sql' }
    expect(await decide(unpermitted, { isEgressFrozen })).toMatchObject({
      reason: 'no-policy-permits',
    })
  })

  it('without any policy', async () => {
    const policies: PolicySet = { policies: [] }
    expect(await decide(bearer(), { policies })).toMatchObject({ reason: 'no-policy-permits' })
  })

  it('of a policy that cannot be evaluated, and tells of it', async () => {
    const [permit] = deciding.checkDeps.policies.policies
    if (permit === undefined) throw new Error('there is no policy')
    const broken = Object.defineProperty({ ...permit, id: 'broken' }, 'paths', {
      get: () => {
        throw new Error('no paths')
      },
    })
    const policies = { policies: [permit, broken] }

    expect(await decide(bearer(), { policies })).toMatchObject({
      effect: 'deny',
      reason: 'policy-forbid',
      policies: ['broken'],
    })
    expect(deciding.policyFailures).toEqual([new Error('no paths')])
  })

  it('once a token has expired, though it was verified before', async () => {
    const params = bearer()
    expect(await decide(params)).toMatchObject({ effect: 'allow' })
    deciding.clock.seconds = NOW + 3660
    const expected = { effect: 'deny', reason: 'token-expired', claim: 'exp' }
    expect(await decide(params)).toMatchObject(expected)
  })

  it('is not given for the workspace’s want of a token within the leeway: the token goes on', async () => {
    const token = deciding.mint()
    deciding.clock.seconds = NOW + 3659
    const decision = await decide({ HTTP_AUTHORIZATION: `Bearer ${token}` })
    expect(obligations(decision)).toContainEqual({
      variable: 'BRICKGATE_AUTHORIZATION',
      value: `Bearer ${token}`,
    })
  })

  it('names the claim of a token that is in the way', async () => {
    const decision = await decide(bearer({ nonce: 'n' }))
    expect(decision).toMatchObject({ reason: 'wrong-token-type', claim: 'nonce' })
  })
})

function obligations(decision: Decision): readonly object[] {
  return decision.effect === 'allow' ? decision.obligations : []
}
