import { ok, type Result } from '../domain/result.ts'
import { type StoredValue, WRONG_TYPE } from '../domain/stored-value.ts'
import { revocationKeys } from '../revocation/revocation-keys.ts'
import { isRefused } from '../revocation/revocation-rule.ts'
import type { Session } from '../session/session.ts'

interface Readable {
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
}

/** Whether the next request of a session would be denied as revoked. Changes nothing. */
export async function isRevoked(
  session: Session,
  store: Readable,
  clockSkewSeconds: number,
): Promise<Result<boolean>> {
  const { principal, signInSeconds } = session
  const keys = revocationKeys(principal, session)
  const values = await store.read(keys.map(({ name }) => name))
  if (!values.ok) return values
  return ok(
    keys.some((key, index) =>
      isRefused(key, values.value[index] ?? WRONG_TYPE, signInSeconds, clockSkewSeconds),
    ),
  )
}
