// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of brickgate.yaml
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError } from '../../src/config/config-error.ts'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { readProof } from '../../src/config/proof.ts'
import { type Problem } from '../../src/domain/problem.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { documentWith, MINIMAL } from './config-fixture.ts'

const POLICY = `version: 1
policies:
  - { id: a, effect: permit, who: { any_verified: true }, paths: [/api] }
`
const SECRET = 'hunter2-of-the-operator'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-load-'))
  write('policy.yaml', POLICY)
  write('proof', `${'a'.repeat(64)}\n`)
  for (const name of ['cert.pem', 'ca.pem', 'session-key']) write(name, `${'B'.repeat(43)}\n`)
})

afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

function load(document: unknown, environment: Readonly<Record<string, string>> = {}): LoadedConfig {
  const text = typeof document === 'string' ? document : stringify(document)
  write('brickgate.yaml', text)
  const checks = { policy: compilePolicies, proof: readProof }
  return loadConfig(join(folder, 'brickgate.yaml'), environment, checks)
}

function problemsOf(document: unknown): readonly Problem[] {
  try {
    load(withCa(document))
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** Not every machine has the default file of authorities. */
function withCa(document: unknown): unknown {
  if (typeof document === 'string') return document
  const workspace: object = Object(document).workspace
  return { ...Object(document), workspace: { ca_file: 'ca.pem', ...workspace } }
}

it('a sign-in is by an issuer that is described', () => {
  const signIn = { client_id: 'id', client_secret: 'secret' }
  const by = (issuer: string) => ({ ...MINIMAL, sign_in: { issuer, ...signIn } })

  expect(problemsOf(by('okta'))).toEqual([])
  const message = 'is the name of none of `issuers`'
  expect(problemsOf(by('entra'))).toEqual([{ path: 'sign_in.issuer', message }])
})

describe('a good configuration', () => {
  it('is loaded with absolute paths, its policy, and every file to watch', () => {
    const document = documentWith('sessions.keys', ['${file:session-key}'])
    const { config, policyDocument, files } = load(withCa(document))

    expect(config.sessions.keys).toEqual(['B'.repeat(43)])
    expect(config.policy.file).toBe(join(folder, 'policy.yaml'))
    expect(config.runtime).toMatchObject({
      directory: '/run/brickgate',
      proof_file: join(folder, 'proof'),
    })
    expect(config.tiers.external.tls.key).toBe(join(folder, 'key.pem'))
    expect(config.workspace.ca_file).toBe(join(folder, 'ca.pem'))
    expect(config.audit.file).toBe('-')
    expect(Object.isFrozen(config)).toBe(true)
    expect(policyDocument).toMatchObject({ version: 1, policies: [{ id: 'a' }] })
    const watched = ['brickgate.yaml', 'policy.yaml', 'proof', 'session-key']
    expect(files).toEqual(watched.map((name) => join(folder, name)))
  })

  it('takes values from the environment that it is given, and from no other', () => {
    const document = withCa(documentWith('redis.password', '${env:REDIS_PASSWORD}'))

    expect(load(document, { REDIS_PASSWORD: SECRET }).config.redis.password).toBe(SECRET)
    for (const name of ['PATH', '__proto__', 'constructor']) {
      expect(problemsOf(documentWith('redis.password', `\${env:${name}}`))).toEqual([
        { path: 'redis.password', message: `env \`${name}\` cannot be read` },
      ])
    }
  })

  it('may keep its audit log in a folder that is there', () => {
    mkdirSync(join(folder, 'logs'))
    const { config } = load(withCa(documentWith('audit.file', 'logs/audit.log')))
    expect(config.audit.file).toBe(join(folder, 'logs/audit.log'))
  })
})

describe('a mistake is a single problem at its path:', () => {
  it.each<[string, unknown]>([
    ['issuers[0].ca_file', documentWith('issuers.0.ca_file', 'no-such.pem')],
    ['redis.ca_file', documentWith('redis.ca_file', '.')],
    [
      'redis.client_key_file',
      documentWith('redis', {
        url: 'rediss://127.0.0.1',
        client_certificate_file: 'ca.pem',
        client_key_file: 'no-such.key',
      }),
    ],
    ['workspace.ca_file', documentWith('workspace.ca_file', 'no-such.pem')],
    [
      'tiers.internal.tls.certificate',
      documentWith('tiers.internal.tls.certificate', 'no-such.pem'),
    ],
    ['tiers.external.listen', documentWith('tiers.external.listen', '0.0.0.0:8443')],
    ['redirect.listen', documentWith('redirect.listen', '0.0.0.0:8444')],
    ['admin.listen', documentWith('admin.listen', '127.0.0.1:8080')],
    ['headers.email', documentWith('headers.email', 'x-forwarded-user')],
    ['audit.file', documentWith('audit.file', 'no-such-folder/audit.log')],
    ['policy.file', documentWith('policy.file', 'no-such.yaml')],
    ['runtime.proof_file', documentWith('runtime.proof_file', 'no-such-proof')],
    ['sessions.keys[0]', documentWith('sessions.keys', ['${file:no-such-key}'])],
    ['policy.file', documentWith('policy.file', '${env:NO_SUCH}')],
    ['sessions.idle_timeout', documentWith('sessions.idle_timeout', 5)],
    ['issuers[1].name', withSecondIssuer({ issuer: 'https://other.example.com' })],
    ['issuers[1].issuer', withSecondIssuer({ name: 'other' })],
  ])('%s', (path, document) => {
    expect(problemsOf(document).map((problem) => problem.path)).toEqual([path])
  })
})

describe('every problem is listed at once', () => {
  it('of schema, references, files, policy and proof', () => {
    write('policy.yaml', 'version: 2\npolicies: []\n')
    write('proof', 'short')
    const document = {
      ...documentWith('workspace.ca_file', 'no-such.pem'),
      redis: { url: '${env:NO_SUCH}' },
      sessions: { keys: ['short'], typo: 1 },
      issuers: 'okta',
    }

    expect(problemsOf(document)).toEqual([
      { path: 'redis.url', message: 'env `NO_SUCH` cannot be read' },
      { path: 'issuers', message: expect.stringMatching(/^must be a list, such as /) },
      { path: 'sessions.keys[0]', message: expect.stringMatching(/\(43 characters\), such as /) },
      { path: 'sessions.typo', message: 'is not known' },
      { path: 'workspace.ca_file', message: `\`${join(folder, 'no-such.pem')}\` cannot be read` },
      { path: 'policy.file', message: expect.stringMatching(/^version: /) },
      { path: 'policy.file', message: 'policies: must not be empty' },
      { path: 'runtime.proof_file', message: 'must hold one or two lines of 64 hex digits' },
    ])
  })

  it('in the message too, a line each', () => {
    const document = withCa({ ...documentWith('policy.file', 'no-such.yaml'), typo: 1 })
    expect(() => load(document)).toThrow(
      `${join(folder, 'brickgate.yaml')} is not usable:\n` +
        `  typo: is not known\n` +
        `  policy.file: \`${join(folder, 'no-such.yaml')}\` cannot be read`,
    )
  })
})

describe('a text that is no document is a problem of the whole:', () => {
  it.each([
    ['nothing', '', 'invalid input: expected object, received null'],
    ['a list', '[]', 'invalid input: expected object, received array'],
    [
      'a key that stands twice',
      'a: 1\na: 2\n',
      'is no valid YAML at line 2, column 1 (DUPLICATE_KEY)',
    ],
    [
      'a key that stands twice deep inside',
      'a: { b: 1, b: 2 }',
      'is no valid YAML at line 1, column 12 (DUPLICATE_KEY)',
    ],
    ['an open bracket', 'a: [', 'is no valid YAML at line 1, column 5 (BAD_INDENT)'],
    ['two documents', 'a: 1\n---\nb: 1\n', 'is no valid YAML at line 2, column 1 (MULTIPLE_DOCS)'],
    ['an unknown tag', 'a: !secret x', 'is no valid YAML at line 1, column 4 (TAG_RESOLVE_FAILED)'],
    ['an alias that leads nowhere', 'a: *b', 'has an alias that leads nowhere, or to too much'],
    ['aliases that multiply', bomb(), 'has an alias that leads nowhere, or to too much'],
  ])('%s', (_, text, message) => {
    expect(problemsOf(text)).toContainEqual({ path: '', message })
  })

  it('a file that is not there', () => {
    const checks = { policy: compilePolicies, proof: readProof }
    expect(() => loadConfig('/nowhere/brickgate.yaml', {}, checks)).toThrow(ConfigError)
  })
})

describe('no message repeats', () => {
  it.each<[string, unknown]>([
    ['a session key that is too short', documentWith('sessions.keys', [SECRET])],
    ['a password of another type', documentWith('redis.password', [SECRET])],
    ['a password in a URL', documentWith('redis.url', `redis://u:${SECRET}@localhost/x`)],
    [
      'a token that cannot stand in a header',
      documentWith('workspace.credential', {
        type: 'personal_access_token',
        token: `${SECRET}\n x`,
      }),
    ],
    ['a password that looks like a reference', documentWith('redis.password', `\${${SECRET}}`)],
    ['a password that looks like an alias', `redis: { password: *${SECRET} }`],
    ['a password that looks like a tag', `redis: { password: !${SECRET} x }`],
    ['a password with a quote too much', `redis: { password: "${SECRET}" ${SECRET} }`],
    ['a password with a colon', `redis:\n  password: ${SECRET}: x\n`],
    ['a password in a list that is not closed', `redis: [${SECRET}`],
  ])('%s', (_, document) => {
    const problems = problemsOf(document)
    expect(problems).not.toEqual([])
    expect(JSON.stringify(problems)).not.toContain(SECRET)
  })

  it('a line of the proof', () => {
    write('proof', `${SECRET}\n`)
    expect(JSON.stringify(problemsOf(MINIMAL))).not.toContain(SECRET)
  })
})

function withSecondIssuer(change: object): unknown {
  const [issuer] = MINIMAL.issuers
  return { ...MINIMAL, issuers: [issuer, { ...issuer, ...change }] }
}

/** Each line names the one before ten times. */
function bomb(): string {
  const lines = Array.from({ length: 8 }, (_, at) => {
    const aliases = Array.from({ length: 10 }, () => `*a${at}`).join(', ')
    return `a${at + 1}: &a${at + 1} [${aliases}]`
  })
  return ['a0: &a0 x', ...lines].join('\n')
}
