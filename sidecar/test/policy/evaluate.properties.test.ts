import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { PolicyEntry } from '../../src/policy/document.ts'
import { type Evaluation, evaluate, type Question } from '../../src/policy/evaluate.ts'
import { policySet } from '../../src/policy/policy.ts'
import { principal } from './policy-fixture.ts'

const GROUPS = ['a', 'b', 'c']
const segment = fc.constantFrom('api', 'API', 'x', '2.0', '%78', 'x;y', 'x/api')
const part = fc.constantFrom('api', 'x', '2.0', '*')

const who: fc.Arbitrary<PolicyEntry['who']> = fc.oneof(
  fc.constant({ any_verified: true as const }),
  fc.record({ groups: fc.subarray(GROUPS, { minLength: 1 }) }),
  fc.record({ subjects: fc.constant(['okta|s', 'okta|t']) }),
)

const body: fc.Arbitrary<Omit<PolicyEntry, 'id'>> = fc.record({
  effect: fc.constantFrom('permit', 'forbid'),
  who,
  methods: fc.option(fc.subarray(['GET', 'POST'] as const, { minLength: 1 }), { nil: undefined }),
  tiers: fc.option(fc.subarray(['internal', 'external'] as const, { minLength: 1 }), {
    nil: undefined,
  }),
  paths: fc.array(
    fc.array(part, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
    { minLength: 1, maxLength: 3 },
  ),
})

const entries: fc.Arbitrary<PolicyEntry[]> = fc
  .array(body, { minLength: 1, maxLength: 6 })
  .map((bodies) => bodies.map((rest, at) => ({ id: `p${at}`, ...rest })))

const question: fc.Arbitrary<Question> = fc.record({
  principal: fc
    .tuple(fc.constantFrom('s', 'u'), fc.subarray(GROUPS))
    .map(([subject, groups]) => principal(subject, groups)),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  segments: fc.array(segment, { maxLength: 4 }),
  tier: fc.constantFrom('internal', 'external'),
})

function decide(policies: readonly PolicyEntry[], asked: Question): Evaluation {
  if (policies.length === 0) return evaluate(policySet([]), asked)
  return evaluate(compilePolicies({ version: 1, policies }, ['okta']), asked)
}

function isPermitted(policies: readonly PolicyEntry[], asked: Question): boolean {
  return decide(policies, asked).effect === 'permit'
}

it('adding a forbid never turns deny into permit', () => {
  fc.assert(
    fc.property(entries, body, question, (policies, added, asked) => {
      const forbid: PolicyEntry = { ...added, effect: 'forbid', id: 'added' }
      expect(isPermitted([...policies, forbid], asked) && !isPermitted(policies, asked)).toBe(false)
    }),
  )
})

it('removing a permit never turns deny into permit', () => {
  fc.assert(
    fc.property(entries, fc.nat(5), question, (policies, at, asked) => {
      fc.pre(policies[at]?.effect === 'permit')
      expect(isPermitted(policies.toSpliced(at, 1), asked) && !isPermitted(policies, asked)).toBe(
        false,
      )
    }),
  )
})

it('adding a permit never lifts a forbid', () => {
  fc.assert(
    fc.property(entries, body, question, (policies, added, asked) => {
      const permit: PolicyEntry = { ...added, effect: 'permit', id: 'added' }
      const before = decide(policies, asked)
      fc.pre(before.effect === 'forbid')
      expect(decide([...policies, permit], asked)).toEqual(before)
    }),
  )
})

it('the order of policies shows nowhere', () => {
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), question, (policies, ranks, asked) => {
      const ranked = policies.map((policy) => ({ policy, rank: Number(ranks.next().value) }))
      const shuffled = ranked.toSorted((a, b) => a.rank - b.rank).map(({ policy }) => policy)
      expect(decide(shuffled, asked)).toEqual(decide(policies, asked))
    }),
  )
})

it('without policies nothing is permitted', () => {
  fc.assert(
    fc.property(question, (asked) => {
      expect(decide([], asked).effect).toBe('none')
    }),
  )
})

it('a forbid matches at least what a permit of the same words matches', () => {
  fc.assert(
    fc.property(body, question, (rest, asked) => {
      fc.pre(isPermitted([{ ...rest, effect: 'permit', id: 'p' }], asked))
      expect(decide([{ ...rest, effect: 'forbid', id: 'p' }], asked).effect).toBe('forbid')
    }),
  )
})

it('every determining policy is one of its effect', () => {
  fc.assert(
    fc.property(entries, question, (policies, asked) => {
      const { effect, determiningPolicies } = decide(policies, asked)
      const effects = policies.filter(({ id }) => determiningPolicies.includes(id))
      expect(effects.map((policy) => policy.effect)).toEqual(determiningPolicies.map(() => effect))
      expect(determiningPolicies.length > 0).toBe(effect !== 'none')
    }),
  )
})
