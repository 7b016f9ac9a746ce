import { describe, expect, it } from 'vitest'
import type { PresetName } from '../../src/domain/issuer-options.ts'
import { readPrincipal } from '../../src/verify/claims.ts'
import { DEFAULT_CLAIM_NAMES, type TrustedIssuer } from '../../src/verify/trusted-issuer.ts'
import { CLAIMS, type Claims, GENERIC, LIMITS } from './token-fixture.ts'

const TENANT = '5f1ad24c-0000-4000-8000-000000000001'
const V2 = `https://login.microsoftonline.com/${TENANT}/v2.0`
const V1 = `https://sts.windows.net/${TENANT}/`

function issuerOf(preset: PresetName, issuer = GENERIC.issuerUrl): TrustedIssuer {
  return { ...GENERIC, preset, issuerUrl: issuer, claims: DEFAULT_CLAIM_NAMES[preset] }
}

/** The subject and client of a token, or the reason for which it is refused. */
function read(issuer: TrustedIssuer, claims: Claims): string {
  const token = {
    text: '',
    signingInput: '',
    algorithm: 'ES256',
    kid: null,
    type: 'jwt',
    issuerUrl: issuer.issuerUrl,
    claims: JSON.parse(JSON.stringify(claims)),
  }
  const result = readPrincipal(token, issuer, LIMITS)
  return result.ok ? `${result.value.subject} by ${result.value.clientId}` : result.reason
}

const { sub: _, ...BASE } = CLAIMS

describe('the Okta preset', () => {
  const user = { ...BASE, sub: 'alice@corp.example', uid: '00u1', cid: '0oa1', scp: ['openid'] }
  const client = { ...BASE, sub: '0oa1', cid: '0oa1', scp: ['sql'] }

  it.each([
    ['a user, by uid and not by the login', user, '00u1 by 0oa1'],
    ['a login with a space', { ...user, sub: 'alice smith' }, '00u1 by 0oa1'],
    ['client credentials', client, 'client:0oa1 by 0oa1'],
    ['a user whose login is a client id', { ...client, uid: '00u2' }, '00u2 by 0oa1'],
    ['neither user nor client', { ...client, sub: 'other' }, 'malformed-token'],
    ['a user named as a client', { ...user, uid: 'client:0oa1' }, 'malformed-token'],
    ['an ID token', { ...BASE, sub: '00u1', amr: ['pwd'], idp: '00o1' }, 'wrong-token-type'],
    ['no cid', { ...user, cid: undefined }, 'wrong-token-type'],
    ['no scp', { ...user, scp: undefined }, 'wrong-token-type'],
    ['empty scp', { ...user, scp: [] }, 'wrong-token-type'],
    ['cid with a space', { ...user, cid: '0oa 1' }, '00u1 by 0oa%201'],
    [
      'client credentials with a space',
      { ...client, sub: '0oa 1', cid: '0oa 1' },
      'client:0oa%201 by 0oa%201',
    ],
    ['cid with a tab', { ...user, cid: '0oa\t1' }, 'malformed-token'],
    ['uid of 300 bytes', { ...user, uid: 'x'.repeat(300) }, 'malformed-token'],
  ])('%s', (_, claims, expected) => {
    expect(read(issuerOf('okta'), claims)).toBe(expected)
  })
})

describe('the Entra ID preset', () => {
  const ids = { tid: TENANT, oid: 'o-1', sub: 'pairwise' }
  const v2 = { ...BASE, ...ids, iss: V2, ver: '2.0', azp: 'app-1', scp: 'user_impersonation' }
  const v1 = { ...BASE, ...ids, iss: V1, ver: '1.0', appid: 'app-1', scp: 'user_impersonation' }
  const app = { ...v2, scp: undefined, sub: 'o-1', roles: ['Sql.Run'] }

  it.each([
    ['a user, version 2.0', V2, v2, `${TENANT}:o-1 by app-1`],
    ['a user, version 1.0', V1, v1, `${TENANT}:o-1 by app-1`],
    ['a user with idtyp', V2, { ...v2, idtyp: 'user' }, `${TENANT}:o-1 by app-1`],
    ['a user with roles', V2, { ...v2, roles: ['Admin'] }, `${TENANT}:o-1 by app-1`],
    ['an application, its own subject', V2, app, 'client:app-1 by app-1'],
    ['an application by idtyp', V2, { ...app, sub: 's', idtyp: 'app' }, 'client:app-1 by app-1'],
    ['an application without roles', V2, { ...app, roles: undefined }, 'wrong-token-type'],
    ['an ID token', V2, { ...v2, azp: undefined, scp: undefined }, 'wrong-token-type'],
    [
      'an ID token with roles',
      V2,
      { ...v2, azp: undefined, scp: undefined, roles: ['Admin'] },
      'wrong-token-type',
    ],
    ['roles without scp, not an application', V2, { ...app, sub: 'p' }, 'wrong-token-type'],
    ['idtyp user without scp', V2, { ...app, idtyp: 'user' }, 'wrong-token-type'],
    ['no oid and no sub', V2, { ...app, oid: undefined, sub: undefined }, 'wrong-token-type'],
    ['no client id', V2, { ...v2, azp: undefined }, 'wrong-token-type'],
    ['another tenant', V2, { ...v2, tid: 'other' }, 'unknown-issuer'],
    ['no tenant', V2, { ...v2, tid: undefined }, 'unknown-issuer'],
    ['a tenantless issuer', 'https://login.example/', v2, 'unknown-issuer'],
    ['no oid', V2, { ...v2, oid: undefined }, 'malformed-token'],
    ['oid with a line break', V2, { ...v2, oid: 'a\nb' }, 'malformed-token'],
    ['roles that are one text', V2, { ...app, roles: 'Sql.Run' }, 'malformed-token'],
    [
      'more groups than fit',
      V2,
      { ...v2, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'x' } } },
      'groups-unknown',
    ],
    ['more groups than fit, implicit flow', V2, { ...v2, hasgroups: true }, 'groups-unknown'],
  ])('%s', (_, issuer, claims, expected) => {
    expect(read(issuerOf('entra', issuer), claims)).toBe(expected)
  })

  it('never accepts the tenant of a template', () => {
    const common = 'https://login.microsoftonline.com/common/v2.0'
    expect(read(issuerOf('entra', common), { ...v2, iss: common })).toBe('unknown-issuer')
  })

  it('names a token by uti, which stands for jti', () => {
    const token = {
      text: '',
      signingInput: '',
      algorithm: 'ES256',
      kid: null,
      type: 'jwt',
      issuerUrl: V2,
      claims: JSON.parse(JSON.stringify({ ...v2, jti: undefined, uti: 'u-1' })),
    }
    const result = readPrincipal(token, issuerOf('entra', V2), LIMITS)
    expect(result.ok && result.value.tokenId).toBe('u-1')
  })

  it('takes app roles for scopes where some are required', () => {
    const strict = { ...issuerOf('entra', V2), requiredScopes: ['Sql.Run'] }
    expect(read(strict, app)).toBe('client:app-1 by app-1')
    expect(read(strict, v2)).toBe('wrong-token-type')
  })
})

describe('the Databricks preset', () => {
  const user = {
    ...BASE,
    sub: 'alice@corp.example',
    client_id: 'databricks-cli',
    scope: 'all-apis',
  }
  const client = { ...BASE, sub: 'sp-1', client_id: 'sp-1', scope: ['sql'] }

  it.each([
    ['a user', user, 'alice@corp.example by databricks-cli'],
    ['scopes as a list', { ...user, scope: ['sql'] }, 'alice@corp.example by databricks-cli'],
    ['a service principal', client, 'client:sp-1 by sp-1'],
    ['a user without client id', { ...user, client_id: undefined }, 'alice@corp.example by null'],
    ['a user named as a client', { ...user, sub: 'client:sp-1' }, 'malformed-token'],
    ['an ID token', { ...user, scope: undefined }, 'wrong-token-type'],
    ['nobody, and no client', { ...BASE, sub: undefined, scope: 'sql' }, 'malformed-token'],
    ['an empty scope', { ...user, scope: '' }, 'wrong-token-type'],
  ])('%s', (_, claims, expected) => {
    expect(read(issuerOf('databricks'), claims)).toBe(expected)
  })
})

describe('the generic preset', () => {
  const user = { ...BASE, sub: 'alice', client_id: 'cli' }
  const client = { ...BASE, sub: 'ci', client_id: 'ci' }

  it.each([
    ['a user', user, 'alice by cli'],
    ['a user of an older issuer', { ...BASE, sub: 'alice', azp: 'cli' }, 'alice by cli'],
    ['a user without client', { ...BASE, sub: 'alice' }, 'alice by null'],
    ['client credentials', client, 'client:ci by ci'],
    ['client credentials by azp', { ...BASE, sub: 'ci', azp: 'ci' }, 'client:ci by ci'],
    ['a user with a client’s name', { ...client, email: 'c@i.example' }, 'ci by ci'],
    ['a user with a client’s name who signed in', { ...client, sid: 's' }, 'ci by ci'],
    ['a user named as a client', { ...user, sub: 'client:ci' }, 'malformed-token'],
    ['no sub', { ...user, sub: undefined }, 'malformed-token'],
    [
      'a client id too long to be a subject',
      { ...client, sub: 'x'.repeat(255), client_id: 'x'.repeat(255) },
      'malformed-token',
    ],
  ])('%s', (_, claims, expected) => {
    expect(read(issuerOf('generic'), claims)).toBe(expected)
  })

  it('tells a client from a user by another subject claim where there is one', () => {
    const issuer = { ...issuerOf('generic'), claims: { ...GENERIC.claims, subject: 'uid' } }
    expect(read(issuer, client)).toBe('client:ci by ci')
    expect(read(issuer, { ...client, uid: '42' })).toBe('42 by ci')
  })
})
