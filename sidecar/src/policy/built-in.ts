import { compilePattern } from './pattern.ts'
import type { Policy } from './policy.ts'
import { fold } from './readings.ts'

/** Ids that start so are ours: no document can have one. */
export const BUILT_IN_PREFIX = 'built-in-'

/** What makes or reads a credential, below the version of an API. */
const MINTING = [
  'token*',
  'secrets*',
  'accounts',
  'credentials-manager',
  'permissions/authorization',
  'unity-catalog/secrets*',
  'unity-catalog/temporary-*',
] as const

/**
 * Goes with a credential that all callers share (a personal access token): with it, whoever makes a
 * token or reads a secret has what outlives every decision here. Covers every version of the API
 * (`token*` includes `token-management` and `tokens`), and its mirror for the browser.
 */
export const SHARED_CREDENTIAL_FORBID: Policy = {
  id: `${BUILT_IN_PREFIX}shared-credential`,
  effect: 'forbid',
  who: 'any-verified',
  methods: null,
  tiers: null,
  paths: ['api', 'ajax-api']
    .flatMap((api) => MINTING.map((path) => `/${api}/*/${path}`))
    .concat('/oidc')
    .map((path) => compilePattern(fold(path))),
}
