import type { Random } from './random.ts'

/** Header names that a client may not send on, in their usual spelling. */
export const RESERVED_HEADERS = [
  // who calls, and what the gate itself says of a request
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Brickgate-Groups',
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
  'X-Override-URL',
  'X-Middleware-Subrequest',
  // identity as providers, proxies and clouds write it
  'X-Authenticated-User',
  'X-Authentik-Username',
  'X-Consumer-Username',
  'X-JWT-Assertion',
  'X-Pomerium-Jwt-Assertion',
  'X-WebAuth-User',
  'X-Userinfo',
  'Impersonate-User',
  'Impersonate-Group',
  'Impersonate-Uid',
  'Impersonate-Extra-Scopes',
  'X-Impersonate-User',
  'Remote-Groups',
  'Tailscale-User-Login',
  'OIDC-Claim-Sub',
  'X-MS-Client-Principal',
  'X-MS-Client-Principal-Id',
  'X-MS-Client-Principal-Name',
  'X-MS-Token-Aad-Access-Token',
  'X-Amzn-Oidc-Identity',
  'X-Amzn-Oidc-Data',
  'X-Amzn-Mtls-Clientcert',
  'X-Goog-Authenticated-User-Email',
  'X-Goog-IAP-JWT-Assertion',
  'X-Appengine-User-Email',
  'CF-Access-Authenticated-User-Email',
  'CF-Access-Jwt-Assertion',
  'X-Envoy-Peer-Metadata',
  'X-Envoy-Original-Path',
  'X-Envoy-External-Address',
  'Client-Cert',
  'X-Client-Cert',
  'X-ARR-ClientCert',
  'X-Scope-OrgID',
  // another client
  'CF-Connecting-IP',
  'CF-Ray',
  'X-Azure-ClientIP',
  'X-Azure-SocketIP',
  'X-Cluster-Client-IP',
  'X-ProxyUser-IP',
  'X-Originating-IP',
  'Fastly-Client-IP',
  'Fly-Client-IP',
  'CloudFront-Viewer-Address',
  'Client-IP',
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
  'X-Databricks-Traffic-Id',
  'X-Databricks-Cluster-Id',
  'X-Databricks-Anything-New',
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
