import type { Problem } from './config-error.ts'
import { textAt } from './named-files.ts'

const LISTENERS = [
  'tiers.internal.listen',
  'tiers.external.listen',
  'redirect.listen',
  'admin.listen',
  'admin.egress_listen',
  'admin.lighttpd_listen',
]
const HEADERS = ['headers.user', 'headers.email', 'headers.groups']

/**
 * Finds equal values that must differ: two tiers on one address would be judged as one. Separate
 * from the schema, which compares no values while a value has another problem.
 */
export function repeatedValues(document: unknown): readonly Problem[] {
  const at = (path: string): Entry => {
    const text = textAt(document, path.split('.'))?.toLowerCase() ?? null
    return { path, text }
  }
  return [
    ...repeated(ofIssuers(document, 'name')),
    ...repeated(ofIssuers(document, 'issuer')),
    ...repeated(LISTENERS.map(at)),
    ...repeated(HEADERS.map(at)),
  ]
}

interface Entry {
  readonly path: string
  /** null when there is none */
  readonly text: string | null
}

function ofIssuers(document: unknown, field: string): readonly Entry[] {
  const issuers: unknown = Object(document).issuers
  if (!Array.isArray(issuers)) return []
  return issuers.map((row, index) => ({
    path: `issuers[${index}].${field}`,
    text: textAt(row, [field]),
  }))
}

function repeated(entries: readonly Entry[]): readonly Problem[] {
  const seen = new Set<string>()
  return entries.flatMap(({ path, text }) => {
    if (text === null) return []
    const isRepeated = seen.has(text)
    seen.add(text)
    return isRepeated ? [{ path, message: 'is used twice' }] : []
  })
}
