import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, errors } from 'jose'

/** Makes a session record unreadable and unforgeable for whoever can read and write Redis. */
export interface RecordCipher {
  /** @returns a JWE in compact form (RFC 7516 section 7.1) */
  encrypt(plaintext: string): Promise<string>
  /** @returns null for what none of the keys made, or what was made for another purpose */
  decrypt(record: string): Promise<string | null>
}

/** The first encrypts, all decrypt: a key is replaced without ending a session. */
export type SessionKeys = readonly [Uint8Array, ...Uint8Array[]]

/** What a record is for. */
export type RecordType = 'bg-session' | 'bg-signin'

const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
const ACCEPTED = {
  keyManagementAlgorithms: [HEADER.alg],
  contentEncryptionAlgorithms: [HEADER.enc],
  maxDecompressedLength: 0,
}

/**
 * @param typ INVARIANT: what another part encrypts carries another, under another key, and is no session
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
 * Sessions are encrypted with the configured key itself, every other use with a key derived from it
 * (RFC 5869): anonymous browsers can have any number of sign-ins sealed, and none of those counts
 * against what one key of AES-GCM with random nonces may encrypt.
 */
function keyFor(typ: RecordType, bytes: Uint8Array): KeyObject {
  if (bytes.length !== 32) throw new RangeError('a session key must have 256 bits')
  if (typ === 'bg-session') return createSecretKey(bytes)
  const derived = hkdfSync('sha256', bytes, '', `brickgate ${typ}`, 32)
  return createSecretKey(Buffer.from(derived))
}
