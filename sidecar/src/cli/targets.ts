import type { Config } from '../config/schema.ts'
import { isKeyName } from '../domain/principal.ts'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'
import { isSid } from '../session/session.ts'
import { CommandError } from './command-error.ts'

/**
 * Reads the target of a revocation from the command line.
 *
 * @throws {CommandError} for a target that could never match, such as an unknown issuer
 */
export function readTarget(
  kind: RevocationTarget['kind'],
  operand: string,
  config: Config,
): RevocationTarget {
  switch (kind) {
    case 'all':
      return { kind }
    case 'session':
      return { kind, sid: readSid(operand) }
    case 'issuer':
      return { kind, issuerName: readIssuer(operand, config) }
    default: {
      const { issuerName, name } = readPair(operand, config)
      if (kind === 'subject') return { kind, subject: `${issuerName}|${name}` }
      if (kind === 'client') return { kind, issuerName, clientId: name }
      if (kind === 'token') return { kind, issuerName, tokenId: name }
      return { kind, issuerName, idpSession: name }
    }
  }
}

/**
 * @returns `<issuer>|<subject>`
 * @throws {CommandError} for another form
 */
export function readSubject(operand: string, config: Config): string {
  const { issuerName, name } = readPair(operand, config)
  return `${issuerName}|${name}`
}

/** @throws {CommandError} for another form, without repeating the operand, which may be a token */
export function readSid(operand: string): string {
  if (operand.startsWith('bgs_')) {
    throw usage('this is the token of a session, and secret; the sid is in the audit log')
  }
  if (!isSid(operand)) throw usage(`${quoted(operand)} is no sid of 64 lower-case hex digits`)
  return operand
}

function readPair(operand: string, config: Config): { issuerName: string; name: string } {
  const separator = operand.indexOf('|')
  const name = operand.slice(separator + 1)
  if (separator < 0 || !isKeyName(name)) {
    throw usage(
      `${quoted(operand)} is not of the form 'issuer|name' that is in the audit log: %20 is a space, %25 is %`,
    )
  }
  return { issuerName: readIssuer(operand.slice(0, separator), config), name }
}

function readIssuer(issuerName: string, { issuers }: Config): string {
  const issuerNames = issuers.map(({ name }) => name)
  if (issuerNames.includes(issuerName)) return issuerName
  throw usage(
    `${quoted(issuerName)} is no issuer in brickgate.yaml, which has ${issuerNames.join(', ')}`,
  )
}

function usage(message: string): CommandError {
  return new CommandError('usage', message)
}

/** Command-line text in a message. */
export function quoted(text: string): string {
  return `\`${text.slice(0, 64).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')}\``
}
