import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { Algorithm } from '../../domain/issuer-options.ts'
import type { PublicKeyMaterial, PublishedKey } from '../../verify/key-source.ts'

/** The keys of a JWK Set (RFC 7517 section 5) that may verify signatures. */
export interface JwksReading {
  readonly keys: readonly PublishedKey[]
  /** one sentence for each key that should not have been there */
  readonly warnings: readonly string[]
}

const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const CURVES: ReadonlyMap<unknown, readonly Algorithm[]> = new Map([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA', 'Ed25519']],
])
const MIN_RSA_BITS = 2048
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

/**
 * Keeps public keys for signatures; drops keys for encryption and of unknown types without a word, and
 * private, symmetric and broken ones with a warning.
 *
 * @throws {TypeError} when the document is not a JWK Set
 */
export function readJwks(document: unknown): JwksReading {
  const members = isRecord(document) ? document['keys'] : null
  if (!Array.isArray(members)) throw new TypeError('not a JWK Set')
  const keys: PublishedKey[] = []
  const warnings: string[] = []
  for (const member of members) {
    const key = readKey(member)
    if (typeof key === 'string') warnings.push(`dropped the key ${nameOf(member)}: ${key}`)
    else if (key !== null) keys.push(key)
  }
  return { keys, warnings }
}

/** A key, or what is wrong with it, or null when it is simply not for us. */
function readKey(jwk: unknown): PublishedKey | string | null {
  if (!isRecord(jwk)) return 'not an object'
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return 'it is not a public key'
  if (!isForSignatures(jwk)) return null
  const { kid = null } = jwk
  if (kid !== null && typeof kid !== 'string') return 'its kid is not a string'
  const algorithms = algorithmsOf(jwk)
  if (algorithms.length === 0) return null
  const material = materialOf(jwk)
  if (material === null || !isImportable(material)) return 'its members do not make a usable key'
  return { kid, algorithms, material }
}

function isForSignatures({ use = 'sig', key_ops: operations = ['verify'] }: JsonRecord): boolean {
  return use === 'sig' && Array.isArray(operations) && operations.includes('verify')
}

function algorithmsOf({ kty, crv, alg }: JsonRecord): readonly Algorithm[] {
  const possible = kty === 'RSA' ? RSA : (CURVES.get(crv) ?? [])
  return alg === undefined ? possible : possible.filter((own) => own === alg)
}

/** INVARIANT: members in a fixed order, so that equal keys are equal text. */
function materialOf({ kty, crv, n, e, x, y }: JsonRecord): PublicKeyMaterial | null {
  if (kty === 'RSA' && isText(n) && isText(e)) return { kty, n, e }
  if (kty === 'EC' && isText(crv) && isText(x) && isText(y)) return { kty, crv, x, y }
  if (kty === 'OKP' && isText(crv) && isText(x)) return { kty, crv, x }
  return null
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

/** How a warning names a key: its position says nothing to an operator, its kid does. */
function nameOf(jwk: unknown): string {
  const kid = isRecord(jwk) ? jwk['kid'] : null
  return isText(kid) ? `\`${kid.slice(0, 64)}\`` : 'without a kid'
}

interface JsonRecord {
  readonly [name: string]: unknown
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
