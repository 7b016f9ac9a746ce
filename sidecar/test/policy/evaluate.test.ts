import { describe, expect, it } from 'vitest'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { PolicyEntry } from '../../src/policy/document.ts'
import { type Evaluation, evaluate, type Question } from '../../src/policy/evaluate.ts'
import { type Policy, policySet } from '../../src/policy/policy.ts'
import { ALICE, entry, principal, requestTo } from './policy-fixture.ts'

function decide(
  policies: readonly PolicyEntry[],
  question: Question,
  issuerNames: readonly string[] = ['okta'],
): Evaluation {
  return evaluate(compilePolicies({ version: 1, policies }, issuerNames), question)
}

function effectOf(changes: Partial<PolicyEntry>, question: Question): Evaluation['effect'] {
  return decide([entry('p', 'permit', ['/api'], changes)], question).effect
}

describe('outcome', () => {
  const PERMIT_B = entry('permit-b', 'permit', ['/api'])
  const PERMIT_A = entry('permit-a', 'permit', ['/api/2.0'])
  const FORBID_B = entry('forbid-b', 'forbid', ['/api/2.0'])
  const FORBID_A = entry('forbid-a', 'forbid', ['/api'])
  const ELSEWHERE = entry('elsewhere', 'forbid', ['/oidc'])

  it.each<
    [title: string, policies: readonly PolicyEntry[], effect: string, ids: readonly string[]]
  >([
    ['permits by one permit', [PERMIT_A], 'permit', ['permit-a']],
    ['names every permit', [PERMIT_B, PERMIT_A], 'permit', ['permit-a', 'permit-b']],
    ['forbids by one forbid', [FORBID_A], 'forbid', ['forbid-a']],
    ['forbids over any permits', [PERMIT_A, FORBID_A, PERMIT_B], 'forbid', ['forbid-a']],
    ['names every forbid', [FORBID_B, PERMIT_A, FORBID_A], 'forbid', ['forbid-a', 'forbid-b']],
    ['leaves out what does not match', [ELSEWHERE, PERMIT_A], 'permit', ['permit-a']],
    ['is none when nothing matches', [ELSEWHERE], 'none', []],
  ])('%s', (_, policies, effect, ids) => {
    expect(decide(policies, requestTo('/api/2.0/x'))).toEqual({
      effect,
      determiningPolicies: ids,
      failures: [],
    })
  })

  it('is none without policies', () => {
    const none = { effect: 'none', determiningPolicies: [], failures: [] }
    expect(evaluate(policySet([]), requestTo('/'))).toEqual(none)
  })
})

describe('groups and subjects', () => {
  const analysts = { who: { groups: ['analysts'] } }
  const alice = { who: { subjects: ['okta|alice'] } }
  it.each<
    [title: string, changes: Partial<PolicyEntry>, who: Question['principal'], effect: string]
  >([
    ['is a group among others', analysts, ALICE, 'permit'],
    ['is not another group', analysts, principal('bob', ['data-eng']), 'none'],
    ['is not without groups', analysts, principal('bob'), 'none'],
    ['is not a group in another case', analysts, principal('bob', ['Analysts']), 'none'],
    ['is not a longer group', analysts, principal('bob', ['analysts2']), 'none'],
    ['is not groups joined by a comma', analysts, principal('bob', ['x,analysts']), 'none'],
    ['is not an empty group', analysts, principal('bob', ['']), 'none'],
    ['is not a group with a space', analysts, principal('bob', ['analysts ']), 'none'],
    ['is a subject', alice, ALICE, 'permit'],
    ['is not a subject of another issuer', alice, principal('alice', [], 'entra'), 'none'],
    ['is not a subject in another case', alice, principal('Alice'), 'none'],
    ['is not a client of that name', alice, principal('client:alice'), 'none'],
    ['is not an e-mail', { who: { subjects: ['okta|alice@example.com'] } }, ALICE, 'none'],
    [
      'is a group or a subject',
      { who: { groups: ['x'], subjects: ['okta|alice'] } },
      ALICE,
      'permit',
    ],
    [
      'is a subject or a group',
      { who: { groups: ['analysts'], subjects: ['okta|x'] } },
      ALICE,
      'permit',
    ],
    ['is anyone verified', {}, principal('x', [], 'other'), 'permit'],
  ])('%s', (_, changes, who, effect) => {
    expect(effectOf(changes, requestTo('/api', { principal: who }))).toBe(effect)
  })

  it('CVE-2026-40574: no e-mail decides anything', () => {
    const who = { ...principal('mallory'), email: 'a@evil.com@corp.com' }
    expect(
      effectOf(
        { who: { subjects: ['okta|a@evil.com@corp.com'] } },
        requestTo('/api', { principal: who }),
      ),
    ).toBe('none')
  })
})

describe('a group belongs to its issuer:', () => {
  const BOTH = ['demo', 'second']
  const admins = (who: PolicyEntry['who']) => [entry('admins', 'permit', ['/'], { who })]
  const asked = (issuer: string, groups: readonly string[]) =>
    requestTo('/api', { principal: principal('x', groups, issuer) })

  type Member = readonly [issuer: string, group: string]
  it.each<[title: string, group: string, member: Member, effect: string]>([
    ['its issuer’s member is in it', 'demo|admins', ['demo', 'admins'], 'permit'],
    ['another issuer’s member is not', 'demo|admins', ['second', 'admins'], 'none'],
    [
      'a name that another issuer makes look like it is not',
      'demo|admins',
      ['second', 'demo|admins'],
      'none',
    ],
    [
      'its own issuer’s group of the qualified name is not',
      'demo|admins',
      ['demo', 'demo|admins'],
      'none',
    ],
    ['a name with | follows the first |', 'demo|a|b', ['demo', 'a|b'], 'permit'],
    ['a name with | is not cut at the last', 'demo|a|b', ['demo', 'b'], 'none'],
    [
      'a name that begins with an issuer name is qualified, too',
      'demo|second|x',
      ['demo', 'second|x'],
      'permit',
    ],
    [
      'a name that begins with an issuer name is no other issuer’s',
      'demo|second|x',
      ['second', 'x'],
      'none',
    ],
    ['in another case it is another', 'demo|admins', ['demo', 'Admins'], 'none'],
    [
      'in another normal form of Unicode it is another',
      'demo|caf\u00e9',
      ['demo', 'cafe\u0301'],
      'none',
    ],
  ])('%s', (_, group, [issuer, own], effect) => {
    const { effect: found } = decide(admins({ groups: [group] }), asked(issuer, [own]), BOTH)
    expect(found).toBe(effect)
  })

  it('a forbid binds the group of its issuer, and of no other', () => {
    const policies = [
      entry('all', 'permit', ['/']),
      entry('not-interns', 'forbid', ['/'], { who: { groups: ['demo|interns'] } }),
    ]
    expect(decide(policies, asked('demo', ['interns']), BOTH).effect).toBe('forbid')
    expect(decide(policies, asked('second', ['interns']), BOTH).effect).toBe('permit')
  })

  it('with one issuer a name may be written with its issuer name or without', () => {
    for (const group of ['admins', 'demo|admins']) {
      const policies = admins({ groups: [group] })
      expect(decide(policies, asked('demo', ['admins']), ['demo']).effect).toBe('permit')
      // like a session whose issuer was removed
      expect(decide(policies, asked('second', ['admins']), ['demo']).effect).toBe('none')
    }
  })
})

describe('methods and tiers', () => {
  it.each<
    [title: string, changes: Partial<PolicyEntry>, question: Partial<Question>, effect: string]
  >([
    ['are all when omitted', {}, { method: 'DELETE', tier: 'external' }, 'permit'],
    ['match one of a list', { methods: ['GET', 'POST'] }, { method: 'POST' }, 'permit'],
    ['do not match another', { methods: ['GET'] }, { method: 'POST' }, 'none'],
    ['do not match HEAD by GET', { methods: ['GET'] }, { method: 'HEAD' }, 'none'],
    ['do not match another case', { methods: ['GET'] }, { method: 'get' }, 'none'],
    ['match a tier', { tiers: ['external'] }, { tier: 'external' }, 'permit'],
    ['do not match another tier', { tiers: ['external'] }, { tier: 'internal' }, 'none'],
  ])('%s', (_, changes, question, effect) => {
    expect(effectOf(changes, requestTo('/api', question))).toBe(effect)
  })
})

describe('paths', () => {
  const PUBLIC = entry('public', 'permit', ['/public', '/api/2.0/fs/files/Volumes/pub'])
  const ALL = entry('all', 'permit', ['/'])
  const NOT_SECRET = entry('not-secret', 'forbid', ['/api/2.0/fs/files/Volumes/secret'])

  it.each([
    '/private?x=/public',
    '/private?/public',
    '/?/public',
    '/publicx',
    '/Public',
    '/a/public',
  ])('CVE-2025-54576, CVE-2026-41059: %s is not /public', (target) => {
    expect(decide([PUBLIC], requestTo(target)).effect).toBe('none')
  })

  it.each(['/public', '/public/', '/public?x', '/public/a/b', '/%70ublic'])(
    '%s is /public',
    (target) => {
      expect(decide([PUBLIC], requestTo(target)).effect).toBe('permit')
    },
  )

  it.each([
    'secret',
    'secret/x',
    'Secret',
    's%65cret',
    's%2565cret',
    's%252565cret',
    '%2573%2565cret/x',
    'secret;v=1',
    'secret%3Bv=1/x',
    'secret%3Fv',
    'secret%23',
    'secret%253Bv',
    '%C5%BFecret',
  ])('CVE-2026-33494, CVE-2023-47106: no encoding of it escapes a forbid: %s', (name) => {
    const question = requestTo(`/api/2.0/fs/files/Volumes/${name}`)
    expect(decide([ALL, NOT_SECRET], question).effect).toBe('forbid')
    const escaped = requestTo(`/api/2.0/fs/files/Volumes%2F${name.replaceAll('/', '%2F')}`)
    expect(decide([ALL, NOT_SECRET], escaped).effect).toBe('forbid')
  })

  it.each(['p%2575b', 'pub;v=1', 'pub%3Bv', 'pub%3F', 'pub%23x', 'PUB', 'p%252575b'])(
    'CVE-2026-33494: no encoding of another name earns a permit: %s',
    (name) => {
      expect(decide([PUBLIC], requestTo(`/api/2.0/fs/files/Volumes/${name}/x`)).effect).toBe('none')
    },
  )

  it.each(['a%2541', 'ts=00%253A00', '100%25', 'a;b', 'what%3F', '%23draft%23'])(
    'below a permit a file may be named %s',
    (name) => {
      expect(decide([PUBLIC], requestTo(`/api/2.0/fs/files/Volumes/pub/${name}`)).effect).toBe(
        'permit',
      )
    },
  )
})

describe('a policy that throws', () => {
  const [good] = compilePolicies({ version: 1, policies: [entry('good', 'permit', ['/'])] }, [
    'okta',
  ]).policies
  const defect = new Error('defect')

  it.each(['permit', 'forbid'] as const)('forbids, whatever its effect: %s', (effect) => {
    if (good === undefined) throw new Error('no policy was compiled')
    const broken: Policy = {
      ...good,
      id: 'broken',
      effect,
      get who(): never {
        throw defect
      },
    }
    // not through policySet: freezing would already read the getter
    const set = { policies: [broken, good] }
    expect(evaluate(set, requestTo('/api'))).toEqual({
      effect: 'forbid',
      determiningPolicies: ['broken'],
      failures: [defect],
    })
  })
})

it('is one frozen object', () => {
  const policies = [entry('p', 'permit', ['/a'], { who: { groups: ['g'] }, methods: ['GET'] })]
  const set = compilePolicies({ version: 1, policies }, ['okta'])
  const [policy] = set.policies
  const who = policy?.who === 'any-verified' ? null : policy?.who
  for (const part of [
    set,
    set.policies,
    policy,
    who,
    who?.groups,
    who?.groups[0],
    policy?.methods,
    policy?.paths[0],
  ]) {
    expect(Object.isFrozen(part)).toBe(true)
  }
})
