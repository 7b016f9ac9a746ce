import type { Problem } from './config-error.ts'
import { textAt } from './named-files.ts'

/**
 * Finds where a document names an issuer that it does not describe. Apart from the schema, like
 * `repeatedValues`.
 */
export function unknownIssuers(document: unknown): readonly Problem[] {
  const named = textAt(document, ['sign_in', 'issuer'])
  const issuers: unknown = Object(document).issuers
  if (named === null || !Array.isArray(issuers)) return []
  const isKnown = issuers.some((row) => textAt(row, ['name']) === named)
  return isKnown ? [] : [{ path: 'sign_in.issuer', message: 'is the name of none of `issuers`' }]
}
