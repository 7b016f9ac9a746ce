import type { Problem } from './config-error.ts'
import { textAt } from './named-files.ts'

/**
 * Finds references to issuers that a document does not describe. Separate from the schema, like
 * `repeatedValues`.
 */
export function unknownIssuers(document: unknown): readonly Problem[] {
  const named = textAt(document, ['sign_in', 'issuer'])
  if (named === null || !Array.isArray(Object(document).issuers)) return []
  const isKnown = issuerNames(document).includes(named)
  return isKnown ? [] : [{ path: 'sign_in.issuer', message: 'is the name of none of `issuers`' }]
}

/** The names of the issuers in a document, even if the schema rejects the document. */
export function issuerNames(document: unknown): readonly string[] {
  const issuers: unknown = Object(document).issuers
  if (!Array.isArray(issuers)) return []
  return issuers.map((row) => textAt(row, ['name'])).filter((name) => name !== null)
}
