import type { z } from 'zod'
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
 * Compares sections of a configuration: some values must differ, because two tiers on one address
 * would be judged as one, and sign-ins need a configured issuer.
 *
 * @param document may have other problems: any part can be missing or of another type
 */
export function checkRelations(document: object, context: z.RefinementCtx): void {
  refuseRepeated(ofIssuers(document, 'name'))
  refuseRepeated(ofIssuers(document, 'issuer'))
  refuseRepeated(LISTENERS.map(lowerCase))
  refuseRepeated(HEADERS.map(lowerCase))
  const issuer = textAt(document, ['sign_in', 'issuer'])
  if (issuer === null || issuerNames(document).includes(issuer)) return
  refuse('sign_in.issuer', 'is the name of none of `issuers`')

  function lowerCase(path: string): Entry {
    return [path, textAt(document, path.split('.'))?.toLowerCase() ?? null]
  }

  function refuseRepeated(entries: readonly Entry[]): void {
    const seen = new Set<string>()
    for (const [path, text] of entries) {
      if (text === null) continue
      if (seen.has(text)) refuse(path, 'is used twice')
      seen.add(text)
    }
  }

  function refuse(path: string, message: string): void {
    const keys = path.split('.').map((key) => (/^[0-9]+$/.test(key) ? Number(key) : key))
    context.addIssue({ code: 'custom', path: keys, message })
  }
}

/** A path, and the text there; null for none. */
type Entry = readonly [path: string, text: string | null]

/** The names of the issuers in a document, also in one with other problems. */
export function issuerNames(document: unknown): readonly string[] {
  return ofIssuers(document, 'name').flatMap(([, name]) => name ?? [])
}

function ofIssuers(document: unknown, field: string): readonly Entry[] {
  const issuers: unknown = Object(document).issuers
  if (!Array.isArray(issuers)) return []
  return issuers.map((row, index) => [`issuers.${index}.${field}`, textAt(row, [field])])
}
