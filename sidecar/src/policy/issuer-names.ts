import { isKeyName } from '../domain/principal.ts'

/** A name with its issuer. Equal names of two issuers are two groups or subjects. */
export interface IssuerName {
  /** the issuer's alias */
  readonly issuer: string
  readonly name: string
}

/**
 * Reads `<alias>|<group>`. The first `|` separates, so a group's own name may contain `|`. With a
 * single issuer a name without `|` is that issuer's group.
 *
 * INVARIANT: a name with `|` always begins with an alias; otherwise a text could mean two groups.
 *
 * @param aliases names of every configured issuer
 * @returns the problem as text when the name belongs to no configured issuer
 */
export function groupName(text: string, aliases: readonly string[]): IssuerName | string {
  const separator = text.indexOf('|')
  const [only = '', ...further] = aliases
  if (separator < 0) {
    if (further.length === 0) return { issuer: only, name: text }
    return `must be <issuer>|<group>, because several issuers are configured: ${aliases.join(', ')}`
  }
  const name = { issuer: text.slice(0, separator), name: text.slice(separator + 1) }
  if (name.name === '') return 'must name a group after the |'
  if (aliases.includes(name.issuer)) return name
  const whole =
    further.length === 0 ? `; a group with | in its name is written ${only}|<group>` : ''
  return `${unknownAlias(name.issuer, aliases)}${whole}`
}

/** @returns null for a subject of a configured issuer */
export function subjectProblem(text: string, aliases: readonly string[]): string | null {
  const separator = text.indexOf('|')
  const alias = text.slice(0, separator)
  if (separator < 0) return null // the schema reports this problem
  if (!aliases.includes(alias)) return unknownAlias(alias, aliases)
  return isKeyName(text.slice(separator + 1))
    ? null
    : 'must have a space written as %20 and % as %25, as audit records do'
}

function unknownAlias(alias: string, aliases: readonly string[]): string {
  return `\`${alias.slice(0, 64)}\` is the name of no issuer, there is ${aliases.join(', ')}`
}

/** @returns null for a group of a configured issuer */
export function groupProblem(text: string, aliases: readonly string[]): string | null {
  const name = groupName(text, aliases)
  return typeof name === 'string' && text !== '' ? name : null
}
