import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import operations from '../../data/databricks-operations.json' with { type: 'json' }
import { SHARED_CREDENTIAL_FORBID } from '../../src/policy/built-in.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { FLAGS, flaggedPaths, widest } from '../../src/policy/flagged.ts'
import { type PolicySet, policySet } from '../../src/policy/policy.ts'
import { entry, principal, requestTo } from './policy-fixture.ts'

const HOME = join(import.meta.dirname, '../../..')
const ALL = compilePolicies({ version: 1, policies: [entry('all', 'permit', ['/'])] }, ['demo'])

/** Sets of policies beside a permit for everything, by purpose. */
const SETS: Readonly<Record<string, PolicySet>> = {
  'a shared credential': withAll(policySet([SHARED_CREDENTIAL_FORBID])),
  'the policies of the demo': withAll(shipped('demo/policy.yaml')),
  'the policies of compose': withAll(shipped('deploy/compose/policy.yaml')),
}

const FLAGGED = operations.filter(({ flags }) => !flags.includes('looked-at'))
const VERSIONS = ['1.2', '2.0', '2.1', '3.0', 'v1', '2.0-preview']
const MIRRORS = ['/api/<v>/', '/ajax-api/<v>/', '/api/<v>/preview/', '/ajax-api/<v>/preview/']

/** Requests that once passed a policy or the built-in forbid. */
const DODGES = [
  '/ajax-api/2.0/secrets/get',
  '/api/2.1/secrets/get',
  '/api/2.0/preview/secrets/get',
  '/api/2.0/database/credentials',
  '/api/2.0/postgres/credentials',
  '/api/2.0/postgres/projects/p/branches/b/roles/r/password',
  '/api/2.1/unity-catalog/recipients/partner/rotate-token',
  '/api/2.0/accounts/servicePrincipals/17/credentials/secrets',
  '/api/2.0/accounts/a/servicePrincipals/17/credentials/secrets',
  '/api/2.0/fs/create-download-url',
  '/api/2.0/fs/create-upload-url',
  '/api/2.0/fs/create-upload-part-urls',
  '/api/2.0/fs/create-resumable-upload-url',
  '/Ajax-API/2.0/Preview/Secrets/get',
  '/%61jax-api/2.0/%70review/secrets/get',
]

describe.each(Object.entries(SETS))('with %s', (_, set) => {
  it.each(DODGES)('nobody reaches %s', (target) => {
    expect(effects(set, target)).toEqual(['forbid', 'forbid', 'forbid'])
  })

  it.each(FLAGGED)('nobody reaches $intent by any version or mirror of $path', ({ path }) => {
    const targets = spellings(path)
    const reached = targets.filter((target) => effects(set, target).some((is) => is !== 'forbid'))
    expect(reached).toEqual([])
    expect(targets.length).toBeGreaterThan(20)
  })

  it.each([
    '/',
    '/api/2.1/jobs/list',
    '/api/2.0/sql/statements',
    '/api/2.0/fs/files/Volumes/secrets/create-download-url',
    '/api/2.0/fs/directories/Volumes/main',
    '/api/2.0/preview/scim/v2/Me',
    '/api/2.0/database/instances/i',
    '/api/2.0/postgres/projects/p/branches/b/roles/r',
    '/api/2.1/unity-catalog/tables/main.default.temporary',
    '/api/2.1/unity-catalog/credentials/c',
    '/api/2.0/mlflow/artifacts/list',
    '/ajax-api/2.0/jobs/list',
    '/ajax-api',
    '/serving-endpoints/token/invocations',
  ])('other policies decide about %s', (target) => {
    expect(evaluate(set, requestTo(target)).effect).toBe('permit')
  })
})

describe('the table of operations', () => {
  it('has flags for every operation of risk admin, or says that a person looked at it', () => {
    const denied = operations.filter(({ risk, flags }) => risk === 'admin' && flags.length === 0)
    expect(denied).toEqual([])
    expect(operations.filter(({ risk }) => risk === 'admin').length).toBeGreaterThan(316)
  })

  it('knows no other flags, and says `looked-at` of nothing that is flagged', () => {
    const combinations = new Set(operations.map(({ flags }) => flags.join('+')))
    expect([...combinations].sort()).toEqual(['looked-at', ...FLAGS].sort())
  })

  it('has no operation twice', () => {
    const keys = operations.map(({ method, path }) => `${method} ${path}`)
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('the paths of what is flagged', () => {
  it('are few, none covered by another', () => {
    const paths = flaggedPaths(FLAGS)
    expect(paths.length).toBeLessThanOrEqual(30)
    expect(widest(paths)).toEqual(paths)
  })

  it.each([
    [['/a', '/a/b', '/a'], ['/a']],
    [['/a/*', '/a/b', '/a/b/c'], ['/a/*']],
    [
      ['/a*', '/ab', '/a/b', '/b'],
      ['/a*', '/b'],
    ],
    [['/a/b', '/a/b*'], ['/a/b*']],
    [
      ['/a/*/c', '/a/b/d', '/a/b'],
      ['/a/*/c', '/a/b'],
    ],
  ])('%j without what others cover is %j', (patterns, expected) => {
    expect(widest(patterns)).toEqual(expected)
  })
})

function shipped(file: string): PolicySet {
  return compilePolicies(parse(readFileSync(join(HOME, file), 'utf8')), ['demo'])
}

function withAll({ policies }: PolicySet): PolicySet {
  return policySet([...ALL.policies, ...policies])
}

function effects(set: PolicySet, target: string): readonly string[] {
  const admin = principal('root', ['platform-admins', 'databricks-users'], 'demo')
  return ['GET', 'POST', 'PATCH'].map(
    (method) => evaluate(set, requestTo(target, { principal: admin, method })).effect,
  )
}

/** Every version and mirror of a template, and paths below. */
function spellings(template: string): readonly string[] {
  const rest = template
    .replace(/^\/api\/[0-9.]+\/(?:preview\/)?/, '')
    .replaceAll(/\{[^}]*\.\.\.\}/g, 'x/y')
    .replaceAll(/\{[^}]*\}/g, 'x')
    .replace(/\*$/, '')
  return MIRRORS.flatMap((mirror) =>
    VERSIONS.flatMap((version) => {
      const path = `${mirror.replace('<v>', version)}${rest}`
      return [path, `${path}/`, `${path}/below?page=2`, path.toUpperCase()]
    }),
  )
}
