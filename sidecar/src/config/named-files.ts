import { pathText } from '../domain/problem.ts'

/** A file that a configuration names, and the path of its key. */
export interface NamedFile {
  readonly path: string
  /** as written */
  readonly file: string
}

/** Keys of `brickgate.yaml` that name a readable file; lighttpd reads the files of the tiers. */
const FILE_KEYS: ReadonlySet<string> = new Set([
  'ca_file',
  'certificate',
  'client_certificate_file',
  'client_key_file',
])

/** Finds the files that a document names, even if the schema rejects the document. */
export function namedFiles(document: unknown): readonly NamedFile[] {
  return walk(document, [])
}

function walk(node: unknown, path: readonly PropertyKey[]): readonly NamedFile[] {
  if (typeof node !== 'object' || node === null) return []
  const entries: readonly [PropertyKey, unknown][] = Array.isArray(node)
    ? [...node.entries()]
    : Object.entries(node)
  return entries.flatMap(([key, value]) => {
    const at = [...path, key]
    const isFile = FILE_KEYS.has(String(key)) && typeof value === 'string' && value !== ''
    return isFile ? [{ path: pathText(at), file: value }] : walk(value, at)
  })
}

/** The text at a path of keys; null for anything else, and for an empty text. */
export function textAt(document: unknown, keys: readonly string[]): string | null {
  let node = document
  for (const key of keys) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return null
    node = Object.entries(node).find(([name]) => name === key)?.[1]
  }
  return typeof node === 'string' && node !== '' ? node : null
}
