import type { Method } from '../domain/method.ts'
import type { Tier } from '../domain/tier.ts'
import type { IssuerName } from './issuer-names.ts'
import type { Pattern } from './pattern.ts'

/** One compiled rule. It matches when each of its parts does. */
export interface Policy {
  /** `^[a-z0-9][a-z0-9-]{0,63}$`, what audit records name */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly who: Who
  /** null for every method */
  readonly methods: readonly Method[] | null
  /** null for every tier */
  readonly tiers: readonly Tier[] | null
  /** any of them; of a forbid, compiled from folded text */
  readonly paths: readonly Pattern[]
}

/** Every verified principal, or those in any of the groups or among the subjects (`<alias>|<subject>`). */
export type Who =
  | 'any-verified'
  | { readonly groups: readonly IssuerName[]; readonly subjects: readonly string[] }
