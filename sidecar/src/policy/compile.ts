import { type PolicyEntry, readDocument, type WhoEntry } from './document.ts'
import { flaggedPaths } from './flagged.ts'
import { groupName } from './issuer-names.ts'
import { fold } from './path-interpretations.ts'
import { compilePattern } from './pattern.ts'
import { type Policy, type PolicySet, policySet, type Who } from './policy.ts'

/**
 * Compiles a parsed `policy.yaml`.
 *
 * @param issuerNames names of every configured issuer, to which groups and subjects belong
 * @throws {PolicyError} with every problem of the document
 */
export function compilePolicies(document: unknown, issuerNames: readonly string[]): PolicySet {
  const { policies } = readDocument(document, issuerNames)
  return policySet(policies.map((entry) => compile(entry, issuerNames)))
}

function compile(entry: PolicyEntry, issuerNames: readonly string[]): Policy {
  const { id, effect, who, methods, tiers, paths = [], flags = [] } = entry
  return {
    id,
    effect,
    who: whoOf(who, issuerNames),
    methods: methods ?? null,
    tiers: tiers ?? null,
    paths: [...paths, ...flaggedPaths(flags)].map((path) =>
      compilePattern(effect === 'forbid' ? fold(path) : path),
    ),
  }
}

function whoOf(
  { any_verified, groups = [], subjects = [] }: WhoEntry,
  issuerNames: readonly string[],
): Who {
  if (any_verified) return 'any-verified'
  const names = groups.map((text) => groupName(text, issuerNames))
  return { groups: names.filter((name) => typeof name !== 'string'), subjects }
}
