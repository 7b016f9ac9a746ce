import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { z } from 'zod'
import type { Algorithm } from '../../domain/issuer-options.ts'
import type { PublicKeyMaterial, PublishedKey } from '../../verify/key-source.ts'

/** The keys of a JWK Set (RFC 7517 section 5) that may verify signatures. */
export interface ParsedJwks {
  readonly keys: readonly PublishedKey[]
  /** a sentence for each key that should not be there */
  readonly warnings: readonly string[]
}

const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const CURVES: ReadonlyMap<unknown, readonly Algorithm[]> = new Map([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA', 'Ed25519']],
])
const setSchema = z.object({ keys: z.array(z.unknown()) })
const jwkSchema = z.record(z.string(), z.unknown())
type Jwk = z.output<typeof jwkSchema>

/**
 * The members of a public key, others dropped.
 *
 * INVARIANT: members come in a fixed order, or equal keys would not be equal text.
 */
const materialSchema: z.ZodType<PublicKeyMaterial> = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() }),
  z.object({ kty: z.literal('EC'), crv: z.string(), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('OKP'), crv: z.string(), x: z.string() }),
])
const MIN_RSA_BITS = 2048
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

/**
 * Keeps public keys for signatures. Drops keys for encryption and of unknown types silently, and
 * private, symmetric and broken keys with a warning.
 *
 * @throws {TypeError} when the document is not a JWK Set
 */
export function readJwks(document: unknown): ParsedJwks {
  const set = setSchema.safeParse(document)
  if (!set.success) throw new TypeError('not a JWK Set')
  const keys: PublishedKey[] = []
  const warnings: string[] = []
  for (const member of set.data.keys) {
    const key = readKey(member)
    if (typeof key === 'string') warnings.push(`dropped the key ${nameOf(member)}: ${key}`)
    else if (key !== null) keys.push(key)
  }
  return { keys, warnings }
}

/** A key, or the problem with it, or null for a key of another purpose. */
function readKey(member: unknown): PublishedKey | string | null {
  const jwk = jwkSchema.safeParse(member).data
  if (jwk === undefined) return 'not an object'
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return 'it is not a public key'
  if (!isForSignatures(jwk)) return null
  const { kid = null } = jwk
  if (kid !== null && typeof kid !== 'string') return 'its kid is not a string'
  const algorithms = algorithmsOf(jwk)
  if (algorithms.length === 0) return null
  const material = materialSchema.safeParse(jwk).data
  if (material === undefined || !isImportable(material))
    return 'its members do not make a usable key'
  return { kid, algorithms, material }
}

function isForSignatures({ use = 'sig', key_ops: operations = ['verify'] }: Jwk): boolean {
  return use === 'sig' && Array.isArray(operations) && operations.includes('verify')
}

function algorithmsOf({ kty, crv, alg }: Jwk): readonly Algorithm[] {
  const possible = kty === 'RSA' ? RSA : (CURVES.get(crv) ?? [])
  return alg === undefined ? possible : possible.filter((own) => own === alg)
}

function isImportable(material: JsonWebKey): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({
      key: material,
      format: 'jwk',
    })
    return asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS
  } catch {
    return false
  }
}

/** The name of a key in a warning: operators know its kid, not its position. */
function nameOf(member: unknown): string {
  const kid = z.object({ kid: z.string() }).safeParse(member).data?.kid
  return kid === undefined ? 'without a kid' : `\`${kid.slice(0, 64)}\``
}
