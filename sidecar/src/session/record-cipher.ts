import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, errors } from 'jose'

/** Encrypts session records, so that access to Redis neither reads nor forges a session. */
export interface RecordCipher {
  /** @returns a JWE in compact form (RFC 7516 section 7.1) */
  encrypt(plaintext: string): Promise<string>
  /** @returns null for a record of another key or another type */
  decrypt(record: string): Promise<string | null>
}

/** The first key encrypts, all keys decrypt, so that a key is replaced without ending sessions. */
export type SessionKeys = readonly [Uint8Array, ...Uint8Array[]]

/** The purpose of a record. */
export type RecordType = 'bg-session' | 'bg-signin'

const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
const ACCEPTED = {
  keyManagementAlgorithms: [HEADER.alg],
  contentEncryptionAlgorithms: [HEADER.enc],
  maxDecompressedLength: 0,
}

/**
 * INVARIANT: records of each type have their own `typ` and key. Otherwise a sealed sign-in could be
 * stored as a session.
 *
 * @throws {RangeError} unless every key has 256 bits
 */
export function createRecordCipher(
  keys: SessionKeys,
  typ: RecordType = 'bg-session',
): RecordCipher {
  const [current, ...previous] = keys
  const currentKey = keyFor(typ, current)
  const allKeys = [currentKey, ...previous.map((key) => keyFor(typ, key))]
  return {
    encrypt: (plaintext) =>
      new CompactEncrypt(new TextEncoder().encode(plaintext))
        .setProtectedHeader({ ...HEADER, typ })
        .encrypt(currentKey),
    decrypt: async (record) => {
      for (const key of allKeys) {
        const plaintext = await decryptWith(key, record, typ)
        if (plaintext !== null) return plaintext
      }
      return null
    },
  }
}

async function decryptWith(
  key: KeyObject,
  record: string,
  typ: RecordType,
): Promise<string | null> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(record, key, ACCEPTED)
    return protectedHeader.typ === typ ? new TextDecoder().decode(plaintext) : null
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

/**
 * Sessions use the configured key, and every other type a derived key (RFC 5869). Anonymous
 * browsers can cause any number of sign-in records, which thus do not count against the limit of
 * records per AES-GCM key with random nonces.
 */
function keyFor(typ: RecordType, bytes: Uint8Array): KeyObject {
  if (bytes.length !== 32) throw new RangeError('a session key must have 256 bits')
  if (typ === 'bg-session') return createSecretKey(bytes)
  const derived = hkdfSync('sha256', bytes, '', `brickgate ${typ}`, 32)
  return createSecretKey(Buffer.from(derived))
}
