import { type Problem, pathText } from '../domain/problem.ts'

/** Resolves `${env:…}` and `${file:…}`; null for a missing variable or file. */
export interface ReferenceSource {
  readonly environment: (name: string) => string | null
  readonly file: (path: string) => string | null
}

export interface Resolved {
  readonly document: unknown
  /** the named files, to be watched */
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
}

const REFERENCE = /\$\{([a-z-]*):?([^}]*)\}/g

/**
 * Replaces every `${env:NAME}` and `${file:/path}` in the strings of a document. The last line
 * break of a file is not part of its value.
 *
 * @returns the document with every resolvable reference, and a problem for each other reference
 */
export function resolveReferences(document: unknown, source: ReferenceSource): Resolved {
  const files: string[] = []
  const problems: Problem[] = []
  return { document: walk(document, []), files, problems }

  function walk(node: unknown, path: readonly PropertyKey[]): unknown {
    if (typeof node === 'string') return replace(node, path)
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]))
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, walk(value, [...path, key])]),
    )
  }

  function replace(text: string, path: readonly PropertyKey[]): string {
    return text.replace(REFERENCE, (_whole, kind: string, name: string) => {
      if (kind === 'file') files.push(name)
      const value = lookUp(kind, name)
      if (value === undefined) {
        // the text is not repeated: it may be part of a secret that happens to contain ${
        problems.push({ path: pathText(path), message: 'holds a ${ that is no known reference' })
      } else if (value === null) {
        problems.push({ path: pathText(path), message: `${kind} \`${name}\` cannot be read` })
      }
      return value ?? ''
    })
  }

  function lookUp(kind: string, name: string): string | null | undefined {
    if (kind === 'env') return source.environment(name)
    if (kind === 'file') return source.file(name)?.replace(/\r?\n$/, '') ?? null
    return undefined
  }
}
