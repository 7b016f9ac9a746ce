import { type Outage, outageSeconds } from './outage.ts'
import { idleLimitSeconds, type Session } from './session.ts'

/**
 * Whether a session has gone unused for too long.
 *
 * @param lastUsedSeconds when the session was made or last used, in epoch seconds
 */
export type IdleRule = (session: Session, lastUsedSeconds: number, nowSeconds: number) => boolean

/**
 * INVARIANT: an outage logs nobody out, and revives nobody. The time of outages does not count as
 * idleness; a session that was idle before an outage began is idle after it. The absolute end of a
 * session is not for this rule, and no outage moves it.
 *
 * @param outages what is known of outages at the moment of the call
 */
export function createIdleRule(
  idleTimeoutSeconds: number,
  outages: () => readonly Outage[],
): IdleRule {
  return (session, lastUsedSeconds, nowSeconds) => {
    const limitSeconds = idleLimitSeconds(session, idleTimeoutSeconds)
    const excessSeconds = nowSeconds - lastUsedSeconds - limitSeconds
    // outages are looked at only for a session that would otherwise end
    return (
      excessSeconds > 0 && excessSeconds > outageSeconds(outages(), lastUsedSeconds, nowSeconds)
    )
  }
}
