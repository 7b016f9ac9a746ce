import { readFileSync } from 'node:fs'
import { type Document, parseDocument, type YAMLError } from 'yaml'

export type YamlReading =
  | { readonly ok: true; readonly document: unknown }
  /** what is wrong; none of it repeats the text, which may hold secrets */
  | { readonly ok: false; readonly problems: readonly string[] }

const MAX_ALIASES = 100

/** Reads a file of one YAML document in which no key stands twice and no tag is unknown. */
export function readYaml(file: string): YamlReading {
  const text = readText(file)
  if (text === null) return { ok: false, problems: [`\`${file}\` cannot be read`] }
  const parsed = parseDocument(text, { uniqueKeys: true })
  const problems = [...parsed.errors, ...parsed.warnings].map(describe)
  return problems.length > 0 ? { ok: false, problems } : convert(parsed)
}

/** @returns null for what is not there or not readable */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // reported by the caller, with the path at which the file is named
  }
}

function convert(parsed: Document.Parsed): YamlReading {
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
