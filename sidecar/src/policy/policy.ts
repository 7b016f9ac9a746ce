import type { Method } from '../domain/access-request.ts'
import type { Tier } from '../domain/tier.ts'
import type { IssuerName } from './issuer-names.ts'
import type { Pattern } from './pattern.ts'

/** A compiled rule. It matches when each of its parts matches. */
export interface Policy {
  /** `^[a-z0-9][a-z0-9-]{0,63}$`; audit records name it */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly who: Who
  /** null for every method */
  readonly methods: readonly Method[] | null
  /** null for every tier */
  readonly tiers: readonly Tier[] | null
  /** any of these; compiled from folded text for a forbid */
  readonly paths: readonly Pattern[]
}

/** Every verified principal, or members of any group and any subject (`<issuer>|<subject>`). */
export type Who =
  | 'any-verified'
  | { readonly groups: readonly IssuerName[]; readonly subjects: readonly string[] }

/** The policies in force: one frozen object, replaced whole. */
export interface PolicySet {
  /** ordered by id, so that the order of the document has no effect */
  readonly policies: readonly Policy[]
}

/** @param policies frozen with everything in them; without any, every request is denied */
export function policySet(policies: readonly Policy[]): PolicySet {
  return frozen({ policies: policies.toSorted((a, b) => (a.id < b.id ? -1 : 1)) })
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
