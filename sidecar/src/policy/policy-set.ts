import type { Policy } from './policy.ts'

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
