import type { KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import type { DenyReason } from '../domain/reason.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { CompactToken } from './compact-token.ts'
import { chooseKey, type KeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/**
 * Checks that an issuer signed a token, with one of its allowed algorithms. Never rejects; without
 * a result it refuses with `keys-unavailable` or `internal-error`.
 */
export type SignatureCheck = (token: CompactToken, issuer: TrustedIssuer) => Promise<Result<void>>

export interface SignatureCheckParts {
  readonly ring: KeyRing
  /** asked for newer keys when no key of the ring fits */
  readonly keys: Pick<KeySource, 'refresh'>
  /** called with the cause of every `internal-error` */
  readonly onUnexpected: (error: unknown) => void
}

/** The only caller of jose for signatures. */
export function createSignatureCheck(parts: SignatureCheckParts): SignatureCheck {
  const { ring, keys, onUnexpected } = parts
  return async (token, issuer) => {
    if (!issuer.algorithms.some((own) => own === token.algorithm)) {
      return refuse('algorithm-not-allowed')
    }
    try {
      const key = await findKey(token, issuer.issuerName)
      if (!key.ok) return key
      await compactVerify(token.text, key.value, { algorithms: [...issuer.algorithms] })
      return ok(undefined)
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === 'internal-error') onUnexpected(error)
      return refuse(reason)
    }
  }

  async function findKey(token: CompactToken, issuerName: string): Promise<Result<KeyObject>> {
    const known = ring.current(issuerName)
    const key = known && chooseKey(known, token)
    if (key !== null) return ok(key)
    const outcome = await keys.refresh(issuerName, token.kid ?? token.algorithm)
    const renewed = ring.current(issuerName)
    const found = renewed && chooseKey(renewed, token)
    if (found !== null) return ok(found)
    // INVARIANT: only a fetch that began after the key id appeared proves that the issuer has no
    // such key. After an outage, or in the pause between fetches, the token gets 503 and not 401;
    // otherwise clients would log out.
    const isKnown = renewed !== null && outcome === 'refreshed'
    return refuse(isKnown ? 'unknown-key' : 'keys-unavailable')
  }
}

const REASON_BY_CODE: Readonly<Record<string, DenyReason>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'bad-signature',
  ERR_JWS_INVALID: 'malformed-token',
}

/** A signature error with a cause is a failure to verify, not a wrong signature. */
function reasonOf(error: unknown): DenyReason {
  if (!(error instanceof errors.JOSEError)) return 'internal-error'
  if (error instanceof errors.JWSSignatureVerificationFailed && error.cause !== undefined) {
    return 'internal-error'
  }
  return REASON_BY_CODE[error.code] ?? 'internal-error'
}
