import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import type { Problem } from '../../src/domain/problem.ts'
import { schemaProblems } from '../../src/domain/problem.ts'
import { documentWith, MINIMAL, type Section } from './config-fixture.ts'

const SIGN_IN = { issuer: 'okta', client_id: '0oa1', client_secret: 'secret' }

function problems(document: unknown): readonly Problem[] {
  const { error } = configSchema.safeParse(document)
  return error === undefined ? [] : schemaProblems(error)
}

function problemPaths(document: unknown): readonly string[] {
  return problems(document).map(({ path }) => path)
}

describe('the shortest configuration', () => {
  it('is completed with what is documented', () => {
    expect(configSchema.parse(MINIMAL)).toMatchObject({
      jwks: { refresh_s: 300, cooldown_s: 30, max_stale_s: 86_400 },
      workspace: { ca_file: '/etc/ssl/certs/ca-certificates.crt', max_connections: 256 },
      redirect: { listen: '127.0.0.1:8080' },
      limits: { connections: 2048, connections_per_address: 256 },
      headers: {
        user: 'X-Forwarded-User',
        email: 'X-Forwarded-Email',
        groups: 'X-Forwarded-Groups',
      },
      policy: { mode: 'enforce' },
      revocation: { max_staleness_ms: 2000, max_token_lifetime_s: 108_000, clock_skew_s: 5 },
      tokens: { leeway_s: 60 },
      outage: { redis: 'deny' },
      sessions: { idle_timeout_s: 1800, absolute_timeout_s: 28_800, any_tier: false },
      audit: { file: '-' },
      admin: {
        listen: '127.0.0.1:9464',
        egress_listen: '127.0.0.1:9465',
        lighttpd_listen: '127.0.0.1:9466',
      },
      runtime: { workers: 2 },
    })
  })

  it.each(Object.keys(MINIMAL))('is refused without `%s`', (section) => {
    expect(problemPaths(documentWith(section, undefined))).toEqual([section])
  })

  it.each([
    'redis.url',
    'issuers.0.name',
    'issuers.0.issuer',
    'issuers.0.audiences',
    'issuers.0.algorithms',
    'issuers.0.preset',
    'workspace.host',
    'workspace.id',
    'workspace.credential',
    'tiers.internal',
    'tiers.external.public_url',
    'tiers.external.tls',
    'policy.file',
    'sessions.keys',
    'runtime.proof_file',
  ])('is refused without `%s`', (path) => {
    const expected = path.replace(/\.(\d+)/, '[$1]')
    expect(problemPaths(documentWith(path, undefined))).toEqual([expected])
  })
})

describe('nothing that is not known is ignored:', () => {
  it.each([
    '',
    'redis',
    'issuers.0',
    'issuers.0.claims',
    'jwks',
    'workspace',
    'workspace.credential',
    'tiers',
    'tiers.internal',
    'tiers.internal.tls',
    'redirect',
    'limits',
    'headers',
    'policy',
    'revocation',
    'outage',
    'sessions',
    'sign_in',
    'audit',
    'admin',
    'runtime',
  ])('a further key in `%s`', (path) => {
    const further = path === '' ? 'typo' : `${path}.typo`
    const at = further.replace(/\.(\d+)/, '[$1]')
    expect(problems(documentWith(further, 1))).toContainEqual({
      path: at,
      message: 'is not known',
    })
  })

  it.each(['__proto__', 'constructor', 'toString'])('a section called `%s`', (name) => {
    const document = JSON.parse(JSON.stringify(MINIMAL).replace('{', `{"${name}":{},`)) as Section
    expect(configSchema.safeParse(document).success).toBe(false)
  })
})

describe('a value is refused:', () => {
  it.each<[string, unknown]>([
    ['issuers', []],
    ['issuers', {}],
    ['issuers.0.name', ''],
    ['issuers.0.name', 'Okta'],
    ['issuers.0.name', 'a|b'],
    ['issuers.0.name', 'a'.repeat(33)],
    ['issuers.0.issuer', 'http://example.okta.com'],
    ['issuers.0.issuer', 'example.okta.com'],
    ['issuers.0.audiences', []],
    ['issuers.0.audiences', ['']],
    ['issuers.0.audiences', 'api://databricks'],
    ['issuers.0.algorithms', []],
    ['issuers.0.algorithms', ['none']],
    ['issuers.0.algorithms', ['HS256']],
    ['issuers.0.algorithms', ['RS256', 'HS512']],
    ['issuers.0.preset', 'auth0'],
    ['issuers.0.jwks_uri', 'http://example.okta.com/keys'],
    ['redis.url', 'http://127.0.0.1'],
    ['redis.url', 'redis://'],
    ['redis.url', 'redis://127.0.0.1/name'],
    ['redis.url', 'redis://127.0.0.1?family=6'],
    ['redis.url', 'redis://user:%zz@127.0.0.1'],
    ['redis.url', 'unix://'],
    ['redis.url', 6379],
    ['jwks.refresh_s', 0],
    ['jwks.refresh_s', 1.5],
    ['jwks.max_stale_s', Number.NaN],
    ['jwks.cooldown_s', 2 ** 31],
    ['workspace.host', 'https://adb-1.azuredatabricks.net'],
    ['workspace.host', 'adb 1'],
    ['workspace.id', 1_234_567_890_123_456],
    ['workspace.id', '12 34'],
    ['workspace.credential', { type: 'token_exchange' }],
    ['workspace.credential', { type: 'personal_access_token' }],
    ['workspace.credential', { type: 'personal_access_token', token: '' }],
    ['workspace.credential', { type: 'personal_access_token', token: 'dapi\r\nx' }],
    ['workspace.credential', { type: 'passthrough', token: 'dapi0' }],
    ['tiers.internal.public_url', 'http://dbx.example.com'],
    ['tiers.internal.public_url', 'https://dbx.example.com/'],
    ['tiers.internal.public_url', 'https://dbx.example.com/path'],
    ['tiers.internal.public_url', 'https://user@dbx.example.com'],
    ['tiers.internal.public_url', 'https://DBX.example.com'],
    ['tiers.internal.listen', '8443'],
    ['tiers.internal.listen', '0.0.0.0:'],
    ['tiers.internal.listen', '0.0.0.0:0'],
    ['tiers.internal.listen', '0.0.0.0:65536'],
    ['tiers.internal.listen', "0.0.0.0:8443'; x='"],
    ['headers.user', 'X Forwarded'],
    ['headers.user', 'X_Forwarded_User'],
    ['headers.user', 'Authorization'],
    ['headers.email', 'COOKIE'],
    ['headers.groups', 'X-Brickgate-Proof'],
    ['headers.groups', 'X-Brickgate-Groups'],
    ['headers.groups', true],
    ['headers.groups', 'false_'],
    ['headers.user', false],
    ['policy.mode', 'shadow'],
    ['outage.redis', 'allow'],
    ['outage.redis', {}],
    ['outage.redis', { serve_known_for_ms: 999 }],
    ['outage.redis', { serve_known_for_ms: 3_600_001 }],
    ['revocation.max_staleness_ms', 199],
    ['revocation.max_staleness_ms', 60_001],
    ['sessions.keys', []],
    ['sessions.keys', ['A'.repeat(42)]],
    ['sessions.keys', [`${'A'.repeat(42)}=`]],
    ['sessions.any_tier', 'yes'],
    ['sign_in', {}],
    ['sign_in', { ...SIGN_IN, client_id: '' }],
    ['sign_in', { ...SIGN_IN, client_secret: '' }],
    ['sign_in', { ...SIGN_IN, client_secret: 'a\nb' }],
    ['sign_in', { ...SIGN_IN, client_authentication: 'none' }],
    ['sign_in', { ...SIGN_IN, scopes: ['email'] }],
    ['sign_in', { ...SIGN_IN, resource: `https://example.com/${'a'.repeat(1000)}` }],
    ['sign_in', { ...SIGN_IN, scopes: ['openid', ...Array(100).fill('all-apis/')] }],
    ['sign_in', { ...SIGN_IN, scopes: ['openid', 'two words'] }],
    ['sign_in', { ...SIGN_IN, scopes: 'openid' }],
    ['sign_in', { ...SIGN_IN, resource: 'databricks' }],
    ['runtime.workers', 0],
    ['runtime.workers', 65],
    ['runtime.workers', '2'],
    ['revocation.clock_skew_s', -1],
    ['tokens.leeway_s', -1],
    ['tokens.leeway_s', 301],
    ['issuers.0.admit_claims', ['events']],
    ['issuers.0.admit_claims', 'nonce'],
    ['issuers.0.audience_claim', 'azp'],
    ['issuers.0.audience_claim', 'client_id'], // of the okta preset
    ['issuers.0.claims', { groups: [] }],
    ['issuers.0.claims', { groups: ['a', ''] }],
    ['issuers.0.claims', { groups: ['a', 1] }],
  ])('%s: %j', (path, value) => {
    const [first] = problemPaths(documentWith(path, value))
    expect(first?.startsWith(path.replace(/\.(\d+)/, '[$1]'))).toBe(true)
  })
})

describe('a value is accepted:', () => {
  it.each<[string, unknown]>([
    ['redis.url', 'rediss://user:p%40ss@redis.example.com:6380/15'],
    ['redis.url', 'redis://[::1]:6379'],
    ['redis.url', 'unix:///run/redis/redis.sock'],
    ['tiers.internal.public_url', 'https://localhost:8443'],
    ['tiers.internal.listen', '[::]:443'],
    ['workspace.credential', { type: 'personal_access_token', token: 'dapi0' }],
    ['headers.user', 'Remote-User'],
    ['headers.groups', false],
    ['sign_in', SIGN_IN],
    ['issuers.0.admit_claims', ['nonce', 'at_hash']],
    ['issuers.0.claims', { groups: ['realm_access', 'roles'], subject: ['a'], email: 'a.b' }],
    ['tokens.leeway_s', 0],
    ['sign_in', { ...SIGN_IN, scopes: ['openid'], resource: 'api://databricks' }],
    ['sessions.keys', ['A'.repeat(43), `${'-_'.repeat(21)}9`]],
  ])('%s: %j', (path, value) => {
    expect(problemPaths(documentWith(path, value))).toEqual([])
  })
})
