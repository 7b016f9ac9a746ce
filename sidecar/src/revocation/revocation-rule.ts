import type { StateAnomaly } from '../domain/state-observer.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { RevocationKey } from './revocation-keys.ts'

const EPOCH_SECONDS = /^[0-9]{1,12}$/

/**
 * Whether the value of a key revokes a sign-in. A revocation covers the clock skew too, because the
 * clock of the IdP may be ahead of the clock that wrote the revocation.
 *
 * INVARIANT: every value revokes, except an absent value or a readable time before the sign-in.
 * Otherwise a damaged value would let revoked callers in.
 *
 * @param signInSeconds `auth_time ?? iat` of a token, the sign-in of a session
 */
export function isRefused(
  key: RevocationKey,
  value: StoredValue,
  signInSeconds: number,
  clockSkewSeconds: number,
): boolean {
  if (value.kind === 'absent') return false
  if (key.refuses === 'always') return true
  if (anomalyOf(key, value) !== null || value.kind !== 'text') return true
  return !(signInSeconds > Number(value.text) + clockSkewSeconds)
}

/** How a value differs from the form of its key; null for a value of that form. */
export function anomalyOf(key: RevocationKey, value: StoredValue): StateAnomaly | null {
  if (value.kind === 'absent') return null
  if (value.kind === 'wrong-type') return 'wrong-type'
  return key.refuses === 'always' || EPOCH_SECONDS.test(value.text) ? null : 'malformed'
}
