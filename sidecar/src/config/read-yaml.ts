import { readFileSync } from 'node:fs'
import { type Document, parseDocument, type YAMLError } from 'yaml'

export type ParsedYaml =
  | { readonly ok: true; readonly document: unknown }
  /** without the document's text, which may contain secrets */
  | { readonly ok: false; readonly problems: readonly string[] }

const MAX_ALIASES = 100

/** Reads a file with a single YAML document, without repeated keys and unknown tags. */
export function readYaml(file: string): ParsedYaml {
  const text = readText(file)
  if (text === null) return { ok: false, problems: [`\`${file}\` cannot be read`] }
  const parsed = parseDocument(text, { uniqueKeys: true })
  const problems = [...parsed.errors, ...parsed.warnings].map(describe)
  return problems.length > 0 ? { ok: false, problems } : convert(parsed)
}

/** @returns null for a missing or unreadable file */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // the caller reports the file with the path of its key
  }
}

function convert(parsed: Document.Parsed): ParsedYaml {
  try {
    return { ok: true, document: parsed.toJS({ maxAliasCount: MAX_ALIASES }) }
  } catch {
    return { ok: false, problems: ['has an alias that leads nowhere, or to too much'] }
  }
}

function describe({ code, linePos }: YAMLError): string {
  const at = linePos === undefined ? '' : ` at line ${linePos[0].line}, column ${linePos[0].col}`
  return `is no valid YAML${at} (${code})`
}
