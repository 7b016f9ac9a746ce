/** An allowed value for each key that has no default, or whose form is not obvious; as in YAML. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  redis: '{ url: "redis://127.0.0.1:6379" }',
  'redis.url': 'redis://127.0.0.1:6379',
  'redis.sentinels': '["redis-1.example.com:26379"]',
  'redis.name': 'brickgate',
  'redis.db': '0',
  'redis.cluster': '["redis-1.example.com:6379"]',
  'redis.tls': 'true',
  issuers:
    '[{ name: okta, issuer: "https://example.okta.com", audiences: ["api://databricks"], algorithms: [RS256], preset: okta }]',
  'issuers.name': 'okta',
  'issuers.issuer': 'https://example.okta.com/oauth2/default',
  'issuers.audiences': '["api://databricks"]',
  'issuers.algorithms': '[RS256]',
  'issuers.preset': 'okta',
  'issuers.jwks_uri': 'https://example.okta.com/oauth2/default/v1/keys',
  'issuers.required_scopes': '[all-apis]',
  'issuers.claims': '{ groups: [realm_access, roles] }',
  'issuers.admit_claims': '[nonce]',
  'issuers.audience_claim': 'aud',
  'jwks.refresh_s': '300',
  'jwks.cooldown_s': '30',
  'jwks.max_stale_s': '86400',
  workspace:
    '{ host: adb-1234567890123456.7.azuredatabricks.net, id: "1234567890123456", credential: { type: passthrough } }',
  'workspace.host': 'adb-1234567890123456.7.azuredatabricks.net',
  'workspace.id': '"1234567890123456"',
  'workspace.address': '10.0.0.9:443',
  'workspace.max_connections': '256',
  'workspace.credential': '{ type: passthrough }',
  'tiers.internal.public_url': 'https://dbx.example.com',
  'tiers.internal.listen': '0.0.0.0:8443',
  'tiers.internal.tls': '{ certificate: /etc/brickgate/tls.crt, key: /etc/brickgate/tls.key }',
  'tiers.external.public_url': 'https://dbx-ext.example.com',
  'tiers.external.listen': '0.0.0.0:8444',
  'tiers.external.tls': '{ certificate: /etc/brickgate/ext.crt, key: /etc/brickgate/ext.key }',
  'redirect.listen': '127.0.0.1:8080',
  'tokens.leeway_s': '60',
  'trusted_proxies.addresses': '[10.1.0.0/24]',
  'limits.connections': '2048',
  'limits.connections_per_address': '256',
  'limits.tunnel_max_age_s': '14400',
  'headers.user': 'X-Forwarded-User',
  'headers.email': 'X-Forwarded-Email',
  'headers.groups': 'false',
  policy: '{ file: policy.yaml }',
  'policy.file': 'policy.yaml',
  'policy.mode': 'enforce',
  'revocation.max_staleness_ms': '2000',
  'revocation.max_token_lifetime_s': '108000',
  'revocation.clock_skew_s': '5',
  'outage.redis': '{ serve_known_for_ms: 30000 }',
  'sessions.idle_timeout_s': '1800',
  'sessions.absolute_timeout_s': '28800',
  'sessions.any_tier': 'false',
  'sessions.max_per_subject': '100',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
  'sessions.keys': '["${file:/run/secrets/session-key}"]',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
  'sign_in.client_secret': '"${file:/run/secrets/oidc-client}"',
  'sign_in.issuer': 'okta',
  'sign_in.client_id': '0oa1abc',
  'sign_in.client_authentication': 'client_secret_basic',
  'sign_in.scopes': '[openid, profile, email, offline_access]',
  'sign_in.resource': 'api://databricks',
  'audit.file': '/var/log/brickgate/audit.log',
  'admin.listen': '127.0.0.1:9464',
  'admin.egress_listen': '127.0.0.1:9465',
  'admin.lighttpd_listen': '127.0.0.1:9466',
  'tracing.endpoint': 'http://127.0.0.1:4318/v1/traces',
  'tracing.sample_ratio': '0.01',
  'runtime.directory': '/run/brickgate',
  'runtime.proof_file': '/run/brickgate/proof',
  'runtime.workers': '2',
}

interface Located {
  readonly path: string
  readonly message: string
}

const MISSING = /^invalid input: expected .*, received undefined$/
/** problems that another value alone does not mend: an unknown key, and relations to other keys */
const NO_VALUE = /^is (?:not known|used twice|the name of none of `issuers`)$/
const NO_LIST = /^invalid input: expected (?:tuple|array), received .*$/

/** @returns the problem with an allowed value, where the key is known and has an example */
export function withExample({ path, message }: Located): Located {
  const example = EXAMPLES[path.replaceAll(/\[\d+\]/g, '')]
  const plain = message.replace(MISSING, 'is missing').replace(NO_LIST, 'must be a list')
  if (example === undefined || NO_VALUE.test(message)) return { path, message: plain }
  return { path, message: `${plain}, such as ${example}` }
}
