import { z } from 'zod'
import { address, text } from './schema-values.ts'

const CREDENTIALS = { username: text.optional(), password: text.optional() }

const CERTIFICATES = {
  ca_file: text.optional(),
  /** for a Redis that requires client certificates (`tls-auth-clients`) */
  client_certificate_file: text.optional(),
  client_key_file: text.optional(),
}

/** Addresses do not say whether TLS is meant, so `tls` or any certificate file turns TLS on. */
const TLS = { tls: z.boolean().optional(), ...CERTIFICATES }

const single = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^(?:rediss?:\/\/[^\s/?#]+(?:\/[0-9]{0,9})?|unix:\/\/[^\s?#]*\/[^\s?#]+)$/,
        'must be redis://host:port/database, rediss:// or unix:///path, without a query',
      )
      .refine(isDecodableUrl, 'must be a URL'),
    ...CREDENTIALS,
    ...CERTIFICATES,
  })
  .superRefine(refuseHalfAPair)

const sentinel = z
  .strictObject({
    sentinels: z.tuple([address], address),
    name: text,
    db: z.int().min(0).max(999_999_999).default(0),
    ...CREDENTIALS,
    sentinel_username: text.optional(),
    sentinel_password: text.optional(),
    ...TLS,
  })
  .superRefine(refuseHalfAPair)
  .superRefine(refuseFilesWithoutTls)

const cluster = z
  .strictObject({ cluster: z.tuple([address], address), ...CREDENTIALS, ...TLS })
  .superRefine(refuseHalfAPair)
  .superRefine(refuseFilesWithoutTls)

/** Redis: a single server, the primary behind Sentinels, or a Cluster. */
export const redisSchema = z.union([single, sentinel, cluster])

interface Files {
  readonly tls?: boolean | undefined
  readonly ca_file?: string | undefined
  readonly client_certificate_file?: string | undefined
  readonly client_key_file?: string | undefined
}

function refuseHalfAPair(files: Files, context: z.RefinementCtx): void {
  const certificate = 'client_certificate_file'
  const key = 'client_key_file'
  if ((files[certificate] === undefined) === (files[key] === undefined)) return
  const [missing, other] = files[key] === undefined ? [key, certificate] : [certificate, key]
  context.addIssue({ code: 'custom', path: [missing], message: `belongs to ${other}` })
}

function refuseFilesWithoutTls(files: Files, context: z.RefinementCtx): void {
  if (files.tls !== false) return
  for (const name of ['ca_file', 'client_certificate_file', 'client_key_file'] as const) {
    if (files[name] === undefined) continue
    context.addIssue({ code: 'custom', path: [name], message: 'needs tls' })
  }
}

/** User and password of the URL are percent-decoded later; a broken escape would throw there. */
function isDecodableUrl(url: string): boolean {
  try {
    return decodeURIComponent(url) !== '' && URL.canParse(url)
  } catch {
    return false
  }
}
