/** A part of a parsed document. */
export type Section = Readonly<Record<string, unknown>>

const TIER = { tls: { certificate: 'cert.pem', key: 'key.pem' } }

/** A configuration with only the required keys, as a person writes it. */
export const MINIMAL = {
  redis: { url: 'redis://127.0.0.1:6379' },
  issuers: [
    {
      name: 'okta',
      issuer: 'https://example.okta.com/oauth2/default',
      audiences: ['api://databricks'],
      algorithms: ['RS256'],
      preset: 'okta',
    },
  ],
  workspace: {
    host: 'adb-1234567890123456.7.azuredatabricks.net',
    id: '1234567890123456',
    credential: { type: 'passthrough' },
  },
  tiers: {
    internal: { public_url: 'https://dbx.example.com', listen: '0.0.0.0:8443', ...TIER },
    external: { public_url: 'https://dbx-ext.example.com', listen: '0.0.0.0:8444', ...TIER },
  },
  policy: { file: 'policy.yaml' },
  sessions: { keys: ['A'.repeat(43)] },
  runtime: { directory: '/run/brickgate', proof_file: 'proof' },
} as const satisfies Section

/** The minimal configuration with the value at a dotted path replaced, or removed by undefined. */
export function documentWith(path: string, value: unknown): Section {
  return replaced(MINIMAL, path.split('.'), value) as Section
}

function replaced(node: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const inner: unknown = Object(node)[key]
  const next = rest.length === 0 ? value : replaced(inner, rest, value)
  if (Array.isArray(node)) return node.with(Number(key), next)
  const { [key]: _, ...others }: Record<string, unknown> = Object(node)
  return next === undefined ? others : { ...others, [key]: next }
}
