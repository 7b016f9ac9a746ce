import { flaggedPaths, widest } from './flagged.ts'
import { fold } from './path-interpretations.ts'
import { compilePattern } from './pattern.ts'
import type { Policy } from './policy.ts'

/** Ids that start so are ours: no document can have one. */
export const BUILT_IN_PREFIX = 'built-in-'

/**
 * Beside the operations that are flagged, for one credential of all callers: the rest of these APIs and
 * what they will have tomorrow, rights over tokens, the account, the OAuth endpoints, and GraphQL, which
 * names its operations in the body.
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
 * Goes with a credential that all callers share, whatever its type: with such a credential, a caller who
 * makes a token or reads a secret has what outlives every decision here.
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
