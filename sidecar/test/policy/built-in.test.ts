import { describe, expect, it } from 'vitest'
import { SHARED_CREDENTIAL_FORBID } from '../../src/policy/built-in.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { policySet } from '../../src/policy/policy.ts'
import { entry, requestTo } from './policy-fixture.ts'

const WRITTEN = compilePolicies({ version: 1, policies: [entry('all', 'permit', ['/'])] }, ['okta'])
const SET = policySet([...WRITTEN.policies, SHARED_CREDENTIAL_FORBID])

describe('with a shared credential', () => {
  it.each([
    '/api/2.0/token',
    '/api/2.0/token/',
    '/api/2.0/token/create',
    '/api/2.0/token/list?x=1',
    '/api/2.0/token/some-id',
    '/api/2.0/tokens/introspect',
    '/api/2.0/token-management/tokens',
    '/api/2.0/token-management/on-behalf-of/tokens',
    '/api/2.0/secrets/get',
    '/api/2.0/secrets/acls/list',
    '/api/2.1/token/create',
    '/api/3.0/secrets/scopes/list',
    '/api/v1/secrets',
    '/ajax-api/2.0/token/create',
    '/ajax-api/2.0/secrets/get',
    '/oidc/v1/token',
    '/oidc',
    '/oidc/',
    '/oidc/accounts/x/v1/token',
    '/API/2.0/Token/Create',
    '/api/2.0/SECRETS/get',
    '/OIDC/v1/token',
    '/%61pi/2%2e0/%74oken/create',
    '/api/2.0/%C5%BFecrets/get',
    '/api/2.0/to%E2%84%AAen/create',
  ])('nobody reaches %s', (target) => {
    expect(evaluate(SET, requestTo(target, { method: 'POST' }))).toEqual({
      effect: 'forbid',
      determiningPolicies: ['built-in-shared-credential'],
      failures: [],
    })
  })

  it.each([
    '/',
    '/api/2.1/jobs/list',
    '/api/2.0/sql/statements',
    '/api/2.0/fs/files/Volumes/secrets/token',
    '/api/2.0/preview/scim/v2/Me',
    '/oidcx',
    '/x/oidc',
    '/serving-endpoints/token/invocations',
  ])('policies decide about %s', (target) => {
    expect(evaluate(SET, requestTo(target)).effect).toBe('permit')
  })
})

it('no document can lift it or take its name', () => {
  const policies = [entry(SHARED_CREDENTIAL_FORBID.id, 'permit', ['/'])]
  expect(() => compilePolicies({ version: 1, policies }, ['okta'])).toThrow(/policies\[0\]\.id/)
})
