import { type Principal, subjectKey } from '../domain/principal.ts'
import type { Tier } from '../domain/tier.ts'
import { type ReadPath, type ReadPaths, readPaths } from './path-interpretations.ts'
import { matchesEveryVariant, matchesSomeVariant, type Pattern } from './pattern.ts'
import type { Policy, PolicySet, Who } from './policy.ts'

/** The input of a policy decision. */
export interface Question {
  readonly principal: Principal
  readonly method: string
  /** segments of the path, decoded once; a `/` within a segment was escaped */
  readonly segments: readonly string[]
  readonly tier: Tier
}

export interface Evaluation {
  /** `none` when no policy matches, which denies */
  readonly effect: 'permit' | 'forbid' | 'none'
  /** ids, in order, of every matching forbid, else of every matching permit */
  readonly determiningPolicies: readonly string[]
  /** errors thrown while matching: defects to be logged */
  readonly failures: readonly unknown[]
}

/**
 * Evaluates all policies. Never throws for a failing policy.
 *
 * INVARIANT: a forbid overrides every permit, the default is deny, and a failing policy forbids
 * whatever its effect. Otherwise a defect could allow a request.
 */
export function evaluate(set: PolicySet, question: Question): Evaluation {
  const paths = readPaths(question.segments)
  const permits: string[] = []
  const forbids: string[] = []
  const failures: unknown[] = []
  for (const policy of set.policies) {
    try {
      if (matches(policy, question, paths)) {
        const matched = policy.effect === 'permit' ? permits : forbids
        matched.push(policy.id)
      }
    } catch (error) {
      forbids.push(policy.id)
      failures.push(error)
    }
  }
  if (forbids.length > 0) return { effect: 'forbid', determiningPolicies: forbids, failures }
  return { effect: permits.length > 0 ? 'permit' : 'none', determiningPolicies: permits, failures }
}

function matches(policy: Policy, question: Question, paths: ReadPaths): boolean {
  return (
    (policy.methods === null || policy.methods.some((method) => method === question.method)) &&
    (policy.tiers === null || policy.tiers.includes(question.tier)) &&
    isOnPath(policy, paths) &&
    isAmong(policy.who, question.principal)
  )
}

/**
 * INVARIANT: a permit needs every reading of a path, a forbid only a single reading. Otherwise a
 * server that reads the path differently would serve a forbidden operation.
 */
function isOnPath({ effect, paths: patterns }: Policy, paths: ReadPaths): boolean {
  return patterns.some((pattern) =>
    effect === 'permit'
      ? paths.every(({ plain }) => matchesEveryVariant(pattern, plain))
      : paths.some((path) => isForbidden(pattern, path)),
  )
}

/** A forbid of a path covers its mirrors. */
function isForbidden(pattern: Pattern, { folded, originals }: ReadPath): boolean {
  return (
    matchesSomeVariant(pattern, folded) ||
    originals.some((original) => matchesSomeVariant(pattern, original))
  )
}

/**
 * Compares names exactly: `Admins` is not `admins`.
 *
 * INVARIANT: a group matches only with its issuer, or an issuer could use another issuer's groups.
 */
function isAmong(who: Who, principal: Principal): boolean {
  if (who === 'any-verified') return true
  if (who.subjects.includes(subjectKey(principal))) return true
  const { issuerName, groups } = principal
  return who.groups.some((group) => group.issuerName === issuerName && groups.includes(group.name))
}
