import { type PolicyEntry, readDocument, type WhoEntry } from './document.ts'
import { compilePattern } from './pattern.ts'
import type { Policy, Who } from './policy.ts'
import { type PolicySet, policySet } from './policy-set.ts'
import { fold } from './readings.ts'

/**
 * Makes a set from a parsed `policy.yaml`.
 *
 * @throws {PolicyError} with every problem of the document
 */
export function compilePolicies(document: unknown): PolicySet {
  return policySet(readDocument(document).policies.map(compile))
}

function compile({ id, effect, who, methods, tiers, paths }: PolicyEntry): Policy {
  return {
    id,
    effect,
    who: whoOf(who),
    methods: methods ?? null,
    tiers: tiers ?? null,
    paths: paths.map((path) => compilePattern(effect === 'forbid' ? fold(path) : path)),
  }
}

function whoOf({ any_verified, groups = [], subjects = [] }: WhoEntry): Who {
  return any_verified ? 'any-verified' : { groups, subjects }
}
