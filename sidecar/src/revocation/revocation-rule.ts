import type { StateAnomaly } from '../domain/state-observer.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import type { RevocationKey } from './revocation-keys.ts'

const EPOCH_SECONDS = /^[0-9]{1,12}$/

/**
 * Whether what stands under a key refuses a sign-in. The clock skew is granted to the revocation, since
 * the IdP's clock may be ahead of the one that wrote it.
 *
 * INVARIANT: only an absent value, or a readable moment before the sign-in, does not refuse.
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

/** How a value differs from what its key promises, null when it does not. */
export function anomalyOf(key: RevocationKey, value: StoredValue): StateAnomaly | null {
  if (value.kind === 'absent') return null
  if (value.kind === 'wrong-type') return 'wrong-type'
  return key.refuses === 'always' || EPOCH_SECONDS.test(value.text) ? null : 'malformed'
}
