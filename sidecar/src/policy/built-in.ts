import { flaggedPaths, widest } from './flagged.ts'
import { fold } from './path-interpretations.ts'
import { compilePattern } from './pattern.ts'
import type { Policy } from './policy.ts'

/** Prefix of built-in policy ids; documents cannot use it. */
export const BUILT_IN_PREFIX = 'built-in-'

/**
 * Paths that a shared credential also closes: the rest of these APIs with their future operations,
 * rights over tokens, the account, the OAuth endpoints, and GraphQL, which names its operations in
 * the body.
 */
const AROUND_CREDENTIALS = [
  '/api/*/token*',
  '/api/*/secrets*',
  '/api/*/accounts',
  '/api/*/identity/accounts',
  '/api/*/credentials-manager',
  '/api/*/permissions/authorization',
  '/oidc',
  '/graphql',
] as const

/**
 * Added with every credential that all callers share. A caller who makes a token or reads a secret
 * with such a credential would have access that outlives every decision.
 */
export const SHARED_CREDENTIAL_FORBID: Policy = {
  id: `${BUILT_IN_PREFIX}shared-credential`,
  effect: 'forbid',
  who: 'any-verified',
  methods: null,
  tiers: null,
  paths: widest([
    ...flaggedPaths(['vends-credentials', 'reads-secrets']),
    ...AROUND_CREDENTIALS,
  ]).map((path) => compilePattern(fold(path))),
}
