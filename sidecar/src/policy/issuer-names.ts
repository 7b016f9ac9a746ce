import { isKeyName } from '../domain/principal.ts'

/** A name with its issuer. Equal names of two issuers are two groups or subjects. */
export interface IssuerName {
  /** name of the issuer in brickgate.yaml */
  readonly issuerName: string
  readonly name: string
}

/**
 * Reads `<issuer>|<group>`. The first `|` separates, so a group's own name may contain `|`. With a
 * single issuer a name without `|` is that issuer's group.
 *
 * INVARIANT: a name with `|` begins with an issuer name; otherwise a text could mean two groups.
 *
 * @param issuerNames names of every configured issuer
 * @returns the problem as text when the name belongs to no configured issuer
 */
export function groupName(text: string, issuerNames: readonly string[]): IssuerName | string {
  const separator = text.indexOf('|')
  const [only = '', ...further] = issuerNames
  if (separator < 0) {
    if (further.length === 0) return { issuerName: only, name: text }
    return `must be <issuer>|<group>, because several issuers are configured: ${issuerNames.join(', ')}`
  }
  const name = { issuerName: text.slice(0, separator), name: text.slice(separator + 1) }
  if (name.name === '') return 'must name a group after the |'
  if (issuerNames.includes(name.issuerName)) return name
  const whole =
    further.length === 0 ? `; a group with | in its name is written ${only}|<group>` : ''
  return `${unknownIssuer(name.issuerName, issuerNames)}${whole}`
}

/** @returns null for a subject of a configured issuer */
export function subjectProblem(text: string, issuerNames: readonly string[]): string | null {
  const separator = text.indexOf('|')
  const issuerName = text.slice(0, separator)
  if (separator < 0) return null // the schema reports this problem
  if (!issuerNames.includes(issuerName)) return unknownIssuer(issuerName, issuerNames)
  return isKeyName(text.slice(separator + 1))
    ? null
    : 'must have a space written as %20 and % as %25, as audit records do'
}

function unknownIssuer(issuerName: string, issuerNames: readonly string[]): string {
  return `\`${issuerName.slice(0, 64)}\` is the name of no issuer, there is ${issuerNames.join(', ')}`
}

/** @returns null for a group of a configured issuer */
export function groupProblem(text: string, issuerNames: readonly string[]): string | null {
  const name = groupName(text, issuerNames)
  return typeof name === 'string' && text !== '' ? name : null
}
