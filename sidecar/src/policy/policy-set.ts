import type { Policy } from './policy.ts'

/** What is in force: one frozen object, replaced whole. */
export interface PolicySet {
  /** ordered by id, so that the order in which they were written shows nowhere */
  readonly policies: readonly Policy[]
}

/** @param policies frozen along with everything in them; without any, nothing is permitted */
export function policySet(policies: readonly Policy[]): PolicySet {
  return frozen({ policies: policies.toSorted((a, b) => (a.id < b.id ? -1 : 1)) })
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
