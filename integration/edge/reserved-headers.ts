import type { Random } from './random.ts'

/** Header names that a client may not send on, in their usual spelling. */
export const RESERVED_HEADERS = [
  // who calls, and what the gate itself says of a request
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Request-Id',
  'X-Brickgate-Tier',
  'X-Brickgate-Proof',
  'X-Brickgate-Egress',
  'X-Brickgate-Anything',
  // what other gateways say of it, and services behind them believe
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Prefix',
  'X-Forwarded-Port',
  'X-Forwarded-Uri',
  'X-Forwarded-Method',
  'X-Forwarded',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'Forwarded',
  'X-Auth-Request-User',
  'X-User',
  'X-User-Id',
  'Remote-User',
  'X-Remote-User',
  'X-SSL-Client-Cert',
  'SSL-Client-Verify',
  'Front-End-HTTPS',
  // another target or method than the one that was judged
  'X-Original-URL',
  'X-Original-Uri',
  'X-Original-Method',
  'X-Original-Host',
  'X-Rewrite-URL',
  'X-HTTP-Method',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'X-Host',
  'X-Sendfile',
  // another client
  'Via',
  'X-Real-IP',
  'X-Client-IP',
  'True-Client-IP',
  // another workspace, and credentials that Databricks takes beside Authorization
  'X-Databricks-Org-Id',
  'X-Databricks-Workspace-Id',
  'X-Databricks-Azure-SP-Management-Token',
  'X-Databricks-Azure-Workspace-Resource-Id',
  'X-Databricks-GCP-SA-Access-Token',
  'Proxy-Authorization',
  // of the connection that ends at the gate
  'Proxy',
  'Proxy-Connection',
  'HTTP2-Settings',
  'TE',
  'Trailer',
  'Keep-Alive',
] as const

/** Spellings that some server or other takes for the same name, the plain one twice. */
export function spellings(name: string): readonly string[] {
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replaceAll('-', '.'),
    name.replaceAll('-', '~'),
    name.replace('-', '_'),
    name.toLowerCase().replace(/-(?=[^-]*$)/, '_'),
    name,
  ]
}

/** Everything that may stand in a header's name (RFC 9110 section 5.6.2) but letters and digits. */
const SEPARATORS = [
  ...(['-', '_', '.', '~', '!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|'] as const),
  ...(['--', '-_', '_-', '---', '-.-'] as const),
] as const

/** A reserved name in random case, with random separators. */
export function fuzzedSpelling(random: Random): string {
  const characters = Array.from(random.pick(RESERVED_HEADERS), (character) => {
    if (character === '-') return random.below(2) === 0 ? '-' : random.pick(SEPARATORS)
    return random.below(2) === 0 ? character.toUpperCase() : character.toLowerCase()
  })
  return characters.join('')
}
