import { randomBytes } from 'node:crypto'

/** The `kid` that a token names. */
export function kidOf(token: string): unknown {
  return headerOf(token)['kid']
}

/** A token that says it is signed with a key nobody has. Its signature is not even looked at. */
export function withRandomKid(token: string): string {
  const header = { ...headerOf(token), kid: randomBytes(12).toString('hex') }
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}${token.slice(token.indexOf('.'))}`
}

function headerOf(token: string): Readonly<Record<string, unknown>> {
  const encoded = token.slice(0, token.indexOf('.'))
  return JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')) as Record<string, unknown>
}
