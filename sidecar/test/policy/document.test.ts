import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { METHODS } from '../../src/domain/access-request.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { policyDocumentSchema } from '../../src/policy/document.ts'
import { PolicyError } from '../../src/policy/policy-error.ts'

const PERMIT = {
  id: 'p',
  effect: 'permit',
  who: { groups: ['okta|analysts'] },
  paths: ['/api/2.0/sql'],
}

function withPolicy(changes: object): unknown {
  return { version: 1, policies: [{ ...PERMIT, ...changes }] }
}

function problemsOf(
  document: unknown,
  issuerNames: readonly string[] = ['okta', 'entra'],
): readonly (readonly [path: string, message: string])[] {
  try {
    compilePolicies(document, issuerNames)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return error.problems.map(({ path, message }) => [path, message])
  }
  return []
}

describe('accepts', () => {
  it.each<[what: string, changes: object]>([
    ['groups', {}],
    ['subjects', { who: { subjects: ['okta|00u1', 'entra|tid:oid', 'okta|client:x|y'] } }],
    ['groups and subjects', { who: { groups: ['okta|a'], subjects: ['okta|b'] } }],
    ['any verified principal', { who: { any_verified: true } }],
    ['a forbid', { effect: 'forbid' }],
    ['every method', { methods: METHODS }],
    ['both tiers', { tiers: ['internal', 'external'] }],
    ['an id of 64 characters', { id: `0${'a'.repeat(63)}` }],
    [
      'a group named like a part of an object',
      { who: { groups: ['okta|__proto__', 'okta|constructor'] } },
    ],
    ['groups of several issuers', { who: { groups: ['okta|a', 'entra|a', 'okta|a|b'] } }],
    ['a group outside ASCII', { who: { groups: ['okta|Données 100 %'] } }],
    ['the root', { paths: ['/'] }],
    ['flags of a forbid', { effect: 'forbid', paths: undefined, flags: ['vends-credentials'] }],
    ['paths beside flags', { effect: 'forbid', flags: ['reads-secrets'] }],
  ])('%s', (_, changes) => {
    expect(problemsOf(withPolicy(changes))).toEqual([])
  })
})

describe('refuses', () => {
  it.each<[what: string, document: unknown, path: string]>([
    ['nothing', null, ''],
    ['nothing at all', undefined, ''],
    ['a list', [PERMIT], ''],
    ['text', 'version: 1', ''],
    ['no version', { policies: [PERMIT] }, 'version'],
    ['another version', { version: 2, policies: [PERMIT] }, 'version'],
    ['a version in quotes', { version: '1', policies: [PERMIT] }, 'version'],
    ['no policies', { version: 1 }, 'policies'],
    ['an empty list of policies', { version: 1, policies: [] }, 'policies'],
    ['policies by name', { version: 1, policies: { p: PERMIT } }, 'policies'],
    ['an unknown key', { version: 1, policies: [PERMIT], mode: 'shadow' }, 'mode'],
    ['an id in upper case', withPolicy({ id: 'P' }), 'policies[0].id'],
    ['an empty id', withPolicy({ id: '' }), 'policies[0].id'],
    ['an id of 65 characters', withPolicy({ id: 'a'.repeat(65) }), 'policies[0].id'],
    ['an id that starts with -', withPolicy({ id: '-a' }), 'policies[0].id'],
    ['an id that ends in LF', withPolicy({ id: 'a\n' }), 'policies[0].id'],
    ['an id of ours', withPolicy({ id: 'built-in-x' }), 'policies[0].id'],
    ['a number for an id', withPolicy({ id: 1 }), 'policies[0].id'],
    ['no effect', withPolicy({ effect: undefined }), 'policies[0].effect'],
    ['an effect in another case', withPolicy({ effect: 'Forbid' }), 'policies[0].effect'],
    ['an unknown effect', withPolicy({ effect: 'deny' }), 'policies[0].effect'],
    ['nobody', withPolicy({ who: {} }), 'policies[0].who'],
    ['no who', withPolicy({ who: undefined }), 'policies[0].who'],
    ['an empty list of groups', withPolicy({ who: { groups: [] } }), 'policies[0].who.groups'],
    ['an empty group', withPolicy({ who: { groups: [''] } }), 'policies[0].who.groups[0]'],
    ['a number for a group', withPolicy({ who: { groups: [1] } }), 'policies[0].who.groups[0]'],
    ['a group alone', withPolicy({ who: { groups: 'a' } }), 'policies[0].who.groups'],
    [
      'an empty list of subjects',
      withPolicy({ who: { subjects: [] } }),
      'policies[0].who.subjects',
    ],
    [
      'a subject without issuer',
      withPolicy({ who: { subjects: ['a'] } }),
      'policies[0].who.subjects[0]',
    ],
    [
      'a subject with a space',
      withPolicy({ who: { subjects: ['a|b c'] } }),
      'policies[0].who.subjects[0]',
    ],
    [
      'a subject of 256 bytes',
      withPolicy({ who: { subjects: [`a|${'b'.repeat(256)}`] } }),
      'policies[0].who.subjects[0]',
    ],
    [
      'any_verified: false',
      withPolicy({ who: { any_verified: false } }),
      'policies[0].who.any_verified',
    ],
    [
      'any_verified and groups',
      withPolicy({ who: { any_verified: true, groups: ['okta|a'] } }),
      'policies[0].who',
    ],
    ['an empty list of methods', withPolicy({ methods: [] }), 'policies[0].methods'],
    ['null methods', withPolicy({ methods: null }), 'policies[0].methods'],
    ['a method in lower case', withPolicy({ methods: ['get'] }), 'policies[0].methods[0]'],
    ['an unknown method', withPolicy({ methods: ['GET', 'TRACE'] }), 'policies[0].methods[1]'],
    ['an empty list of tiers', withPolicy({ tiers: [] }), 'policies[0].tiers'],
    ['an unknown tier', withPolicy({ tiers: ['public'] }), 'policies[0].tiers[0]'],
    ['no paths', withPolicy({ paths: undefined }), 'policies[0].paths'],
    ['an empty list of paths', withPolicy({ paths: [] }), 'policies[0].paths'],
    ['flags of a permit', withPolicy({ flags: ['reads-secrets'] }), 'policies[0].flags'],
    [
      'an unknown flag',
      withPolicy({ effect: 'forbid', flags: ['looked-at'] }),
      'policies[0].flags[0]',
    ],
    ['an empty list of flags', withPolicy({ effect: 'forbid', flags: [] }), 'policies[0].flags'],
    [
      'methods beside flags',
      withPolicy({ effect: 'forbid', flags: ['reads-secrets'], methods: ['GET'] }),
      'policies[0].methods',
    ],
    ['a bad path', withPolicy({ paths: ['/a', '/a%41'] }), 'policies[0].paths[1]'],
    ['an unknown key in a policy', withPolicy({ groups: ['a'] }), 'policies[0].groups'],
    [
      '__proto__ in a policy',
      withPolicy(JSON.parse('{"__proto__": {"a": 1}}')),
      'policies[0].__proto__',
    ],
    [
      '__proto__ for who',
      withPolicy({ who: JSON.parse('{"__proto__": {"any_verified": true}}') }),
      'policies[0].who',
    ],
    [
      'an id twice',
      { version: 1, policies: [PERMIT, { ...PERMIT, id: 'q' }, PERMIT] },
      'policies[2].id',
    ],
  ])('%s', (_, document, path) => {
    expect(problemsOf(document).map(([where]) => where)).toContain(path)
  })

  it('GHSA-652x-m2gr-hppm: a restriction whose key it does not know', () => {
    const restricted = withPolicy({ who: { groups: ['okta|a'], allowed_group: ['b'] } })
    expect(problemsOf(restricted)).toEqual([['policies[0].who.allowed_group', 'is not known']])
  })

  it('everything at once', () => {
    const document = {
      version: 2,
      policies: [
        { ...PERMIT, id: 'P', effect: 'allow', paths: ['a', 3], tier: 'internal' },
        null,
        PERMIT,
        { id: 'p' },
        null,
      ],
      extra: 1,
    }
    expect(problemsOf(document)).toEqual([
      ['version', 'invalid input: expected 1'],
      ['policies[0].id', 'must be 1 to 64 of a-z, 0-9 and -, not starting with -'],
      ['policies[0].effect', 'invalid option: expected one of "permit"|"forbid"'],
      ['policies[0].paths[0]', 'must start with /'],
      ['policies[0].paths[1]', 'invalid input: expected string, received number'],
      ['policies[0].tier', 'is not known'],
      ['policies[1]', 'invalid input: expected object, received null'],
      ['policies[3].effect', 'invalid option: expected one of "permit"|"forbid"'],
      ['policies[3].who', 'invalid input: expected object, received undefined'],
      ['policies[3].paths', 'must name a path'],
      ['policies[4]', 'invalid input: expected object, received null'],
      ['extra', 'is not known'],
      ['policies[3].id', '`p` is used twice'],
    ])
  })

  it('with a line for each problem, user input cut at 64 characters', () => {
    const error = new PolicyError([
      { path: '', message: 'a' },
      { path: 'policies[0]', message: 'b' },
    ])
    expect(error.message).toBe('(document): a\npolicies[0]: b')
    expect(problemsOf(withPolicy({ ['x'.repeat(99)]: 1 }))).toEqual([
      [`policies[0].${'x'.repeat(64)}`, 'is not known'],
    ])
  })
})

describe('a name in a policy belongs to a configured issuer:', () => {
  const ONE = ['demo']
  const TWO = ['demo', 'second']
  const SEVERAL = 'must be <issuer>|<group>, because several issuers are configured: demo, second'
  const ESCAPED = 'must have a space written as %20 and % as %25, as audit records do'
  const unknown = (name: string, names: readonly string[]) =>
    `\`${name}\` is the name of no issuer, there is ${names.join(', ')}`
  const whole = '; a group with | in its name is written demo|<group>'

  it.each<
    [
      title: string,
      who: object,
      issuers: readonly string[],
      problem: readonly [string, string] | null,
    ]
  >([
    ['a group alone, with one', { groups: ['a'] }, ONE, null],
    ['a group alone, with two', { groups: ['demo|a', 'a'] }, TWO, ['groups[1]', SEVERAL]],
    ['a group of the one', { groups: ['demo|a'] }, ONE, null],
    [
      'a group of another than the one',
      { groups: ['x|a'] },
      ONE,
      ['groups[0]', unknown('x', ONE) + whole],
    ],
    ['a group of none of two', { groups: ['third|a'] }, TWO, ['groups[0]', unknown('third', TWO)]],
    ['a name in another case', { groups: ['Demo|a'] }, TWO, ['groups[0]', unknown('Demo', TWO)]],
    ['a name with a space', { groups: ['demo |a'] }, TWO, ['groups[0]', unknown('demo ', TWO)]],
    ['an empty name', { groups: ['|a'] }, ONE, ['groups[0]', unknown('', ONE) + whole]],
    [
      'a name like a part of an object',
      { groups: ['__proto__|a'] },
      TWO,
      ['groups[0]', unknown('__proto__', TWO)],
    ],
    [
      'a name without a group',
      { groups: ['demo|'] },
      TWO,
      ['groups[0]', 'must name a group after the |'],
    ],
    ['a subject of one', { subjects: ['second|s'] }, TWO, null],
    [
      'a subject of none',
      { subjects: ['demo|s', 'third|s'] },
      TWO,
      ['subjects[1]', unknown('third', TWO)],
    ],
    ['a subject with %20 and %25', { subjects: ['demo|a%20b%25'] }, TWO, null],
    ['a subject with a % alone', { subjects: ['demo|100%'] }, TWO, ['subjects[0]', ESCAPED]],
    ['a subject with another escape', { subjects: ['demo|a%2Fb'] }, TWO, ['subjects[0]', ESCAPED]],
  ])('%s', (_, who, issuers, problem) => {
    const found = problemsOf(withPolicy({ who }), issuers)
    expect(found).toEqual(problem === null ? [] : [[`policies[0].who.${problem[0]}`, problem[1]]])
  })

  it('beside every other problem', () => {
    const document = {
      version: 2,
      policies: [null, { ...PERMIT, effect: 'x', who: { groups: ['third|a', 1] } }],
    }
    expect(problemsOf(document, TWO).map(([path]) => path)).toEqual([
      'version',
      'policies[0]',
      'policies[1].effect',
      'policies[1].who.groups[0]',
      'policies[1].who.groups[1]',
    ])
  })
})

it('knows every method that a request can have', () => {
  for (const method of METHODS) expect(problemsOf(withPolicy({ methods: [method] }))).toEqual([])
})

it('yields a JSON Schema that is as strict about keys', () => {
  expect(z.toJSONSchema(policyDocumentSchema(['okta']), { io: 'input' })).toMatchObject({
    additionalProperties: false,
    required: ['version', 'policies'],
    properties: {
      policies: {
        minItems: 1,
        items: {
          additionalProperties: false,
          required: ['id', 'effect', 'who'],
          properties: {
            who: { additionalProperties: false },
            effect: { enum: ['permit', 'forbid'] },
          },
        },
      },
    },
  })
})
