import { z } from 'zod'
import {
  ADMISSIBLE_CLAIMS,
  ALGORITHMS,
  AUDIENCE_CLAIMS,
  PRESET_NAMES,
} from '../domain/issuer-options.ts'
import { GATE_HEADERS } from '../domain/obligation.ts'
import { keyName } from '../domain/principal.ts'
import { redisSchema } from './redis-schema.ts'
import { checkRelations } from './relations.ts'
import { address, text } from './schema-values.ts'

export const GROUPS_HEADER = 'X-Forwarded-Groups'

const seconds = z.int().positive().max(31_536_000)
const hostName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be a host name')
const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be a header name')
  .refine((name) => !GATE_HEADERS.has(name.toLowerCase()), 'is a header that the gate sets itself')
const httpsUrl = z.url({ protocol: /^https$/, error: 'must be an https URL' })
const origin = httpsUrl.refine(
  (url) => URL.canParse(url) && new URL(url).origin === url,
  'must be scheme, host and port alone',
)

/** A single name, dots included, or a path of names through objects. */
const claim = z.union([text, z.tuple([text], text)])

const issuerRow = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
  issuer: httpsUrl,
  audiences: z.tuple([text], text),
  algorithms: z.tuple([z.enum(ALGORITHMS)], z.enum(ALGORITHMS)),
  preset: z.enum(PRESET_NAMES),
  jwks_uri: httpsUrl.optional(),
  ca_file: text.optional(),
  required_scopes: z.array(text).default([]),
  claims: z
    .strictObject({
      subject: claim.optional(),
      groups: claim.optional(),
      email: claim.optional(),
    })
    .default({}),
  admit_claims: z.array(z.enum(ADMISSIBLE_CLAIMS)).default([]),
  audience_claim: z.enum(AUDIENCE_CLAIMS).default('aud'),
})
const issuer = issuerRow.superRefine(({ audience_claim, preset }, context) => {
  if (audience_claim === 'aud' || preset === 'generic') return
  const message = 'can be client_id with the preset generic alone'
  context.addIssue({ code: 'custom', path: ['audience_claim'], message })
})

const workspaceCredential = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('passthrough') }),
  z.strictObject({
    type: z.literal('personal_access_token'),
    token: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces'),
    permit_token_and_secret_apis: z.boolean().default(false),
  }),
])

const redisOutage = z.union([
  z.literal('deny'),
  z.strictObject({ serve_known_for_ms: z.int().min(1000).max(3_600_000) }),
])

const tier = z.strictObject({
  public_url: origin,
  listen: address,
  tls: z.strictObject({ certificate: text, key: text }),
})

const sessionKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be 256 bits in base64url (43 characters)')

/** Ways in which proxies before lighttpd name the client. */
const PROXY_MODES = ['x_forwarded_for', 'proxy_protocol'] as const

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an IP address or a network such as 10.0.0.0/8',
})

const trustedProxies = z
  .strictObject({
    addresses: z.tuple([network], network),
    mode: z.enum(PROXY_MODES).optional(),
    say: z.enum(PROXY_MODES).meta({ deprecated: true, description: 'use `mode`' }).optional(),
  })
  .transform(({ addresses, mode, say }, context) => {
    const chosen = mode ?? say
    if (chosen !== undefined && (mode === undefined || say === undefined)) {
      return { addresses, mode: chosen }
    }
    const [path, message] =
      chosen === undefined
        ? ['mode', `must be one of ${PROXY_MODES.join(', ')}`]
        : ['say', 'is the former name of `mode`: keep `mode` alone']
    context.addIssue({ code: 'custom', path: [path], message })
    return z.NEVER
  })

/** Characters of a scope or a client id (RFC 6749 appendix A), without spaces. */
const oauthWord = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/, 'must be printable ASCII')

/** Share of the URL of 2,000 characters with which a browser goes to the provider. */
const MAX_IN_URL = 1000

const signIn = z
  .strictObject({
    /** the `name` of one of `issuers` */
    issuer: text,
    client_id: oauthWord.refine((id) => keyName(id) !== null, 'is too long for a key'),
    client_secret: z.string().regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'),
    client_authentication: z
      .enum(['client_secret_basic', 'client_secret_post'])
      .default('client_secret_basic'),
    scopes: z
      .array(oauthWord)
      .default(['openid', 'profile', 'email', 'offline_access'])
      .refine((scopes) => scopes.includes('openid'), 'must contain openid'),
    resource: z.url({ error: 'must be an absolute URI' }).optional(),
  })
  .refine(
    ({ client_id, scopes, resource = '' }) =>
      encodeURIComponent([client_id, ...scopes, resource].join(' ')).length <= MAX_IN_URL,
    { path: ['scopes'], error: `take more than ${MAX_IN_URL} characters of a URL` },
  )

const tracing = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  sample_ratio: z.number().min(0).max(1).default(0.01),
  service_name: text.default('brickgate'),
  headers: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/), text).default({}),
})

const sections = z.strictObject({
  redis: redisSchema,
  issuers: z.tuple([issuer], issuer),
  jwks: z
    .strictObject({
      refresh_s: seconds.default(300),
      cooldown_s: seconds.default(30),
      max_stale_s: seconds.default(86_400),
    })
    .prefault({}),
  workspace: z.strictObject({
    host: hostName,
    id: z.string().regex(/^[0-9]{1,20}$/, 'must be the numeric workspace id, quoted'),
    address: address.optional(),
    ca_file: text.default('/etc/ssl/certs/ca-certificates.crt'),
    max_connections: z.int().min(1).max(10_000).default(256),
    credential: workspaceCredential,
  }),
  tiers: z.strictObject({ internal: tier, external: tier }),
  redirect: z.strictObject({ listen: address }).prefault({ listen: '127.0.0.1:8080' }),
  tokens: z.strictObject({ leeway_s: z.int().min(0).max(300).default(60) }).prefault({}),
  trusted_proxies: trustedProxies.optional(),
  limits: z
    .strictObject({
      connections: z.int().min(16).max(65_536).default(2048),
      connections_per_address: z.int().min(1).max(65_536).default(256),
      tunnel_max_age_s: seconds.min(2).default(14_400),
    })
    .prefault({}),
  headers: z
    .strictObject({
      user: headerName.default('X-Forwarded-User'),
      email: headerName.default('X-Forwarded-Email'),
      /** false: the workspace gets no groups */
      groups: z.union([headerName, z.literal(false)]).default(GROUPS_HEADER),
    })
    .prefault({}),
  policy: z.strictObject({ file: text, mode: z.literal('enforce').default('enforce') }),
  revocation: z
    .strictObject({
      max_staleness_ms: z.int().min(200).max(60_000).default(2000),
      max_token_lifetime_s: seconds.default(108_000),
      clock_skew_s: z.int().min(0).max(300).default(5),
    })
    .prefault({}),
  outage: z.strictObject({ redis: redisOutage.default('deny') }).prefault({}),
  sessions: z.strictObject({
    idle_timeout_s: seconds.default(1800),
    absolute_timeout_s: seconds.default(28_800),
    any_tier: z.boolean().default(false),
    max_per_subject: z.int().min(1).max(500).default(100),
    keys: z.tuple([sessionKey], sessionKey),
  }),
  sign_in: signIn.optional(),
  audit: z.strictObject({ file: text.default('-') }).prefault({}),
  admin: z
    .strictObject({
      listen: address.default('127.0.0.1:9464'),
      egress_listen: address.default('127.0.0.1:9465'),
      lighttpd_listen: address.default('127.0.0.1:9466'),
    })
    .prefault({}),
  tracing: tracing.optional(),
  runtime: z.strictObject({
    directory: text,
    proof_file: text,
    workers: z.int().min(1).max(64).default(2),
  }),
})

/** `brickgate.yaml`: the only source of its types, its validation and its JSON Schema. */
export const configSchema = sections.superRefine(checkRelations, {
  when: ({ value }) => typeof value === 'object' && value !== null, // also beside other problems
})

/** A configuration that was checked whole. Its paths are absolute. */
export type Config = z.output<typeof configSchema>
