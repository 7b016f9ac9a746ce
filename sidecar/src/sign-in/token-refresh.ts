import type { Clock } from '../domain/clock.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Session } from '../session/session.ts'
import { createBackoff } from './backoff.ts'
import type { Renewal, Renewed } from './token-renewal.ts'

/** Refreshes the access tokens of sessions. */
export interface TokenRefresh {
  /**
   * Returns the session with a live access token, if the provider sends one in time. A token near
   * its end is renewed while requests go on; a request with an expired token waits a bounded time.
   *
   * @returns the session unchanged when there is nothing to do or the renewal failed; the
   *   upstream credential then refuses. A refusal with `session-revoked` when the provider ended
   *   the sign-in.
   */
  freshen(session: Session, nowSeconds: number): Result<Session> | Promise<Result<Session>>
}

export interface TokenRefreshDeps {
  readonly renew: Renewal
  readonly clock: Clock
  /** when a token was issued, in epoch seconds; null when the token has no such time */
  readonly issuedAtSeconds: (accessToken: string) => number | null
  readonly wait: (milliseconds: number) => Promise<void>
}

/** Share of the two seconds of a check. */
const WAIT_MS = 1200
/** A token is renewed in the last quarter of its life, and at most a minute before its end. */
const LONGEST_MARGIN_SECONDS = 60

/** @returns a refresh that never rejects, and neither does its background work */
export function createTokenRefresh(deps: TokenRefreshDeps): TokenRefresh {
  const { renew, clock } = deps
  const backoff = createBackoff()
  /** at most one renewal per session in this process */
  const running = new Map<string, Promise<Renewed>>()
  return {
    freshen(session, nowSeconds) {
      const { refreshToken, accessToken } = session
      if (refreshToken === null || accessToken === null) return ok(session)
      const remainingSeconds = accessToken.expiresAtSeconds - nowSeconds
      if (remainingSeconds > marginOf(accessToken)) return ok(session)
      const renewal = running.get(session.sid) ?? begin(session)
      if (remainingSeconds > 0 || renewal === null) return ok(session)
      return within(renewal, session)
    },
  }

  /** @returns null while it is too early after a failure */
  function begin(session: Session): Promise<Renewed> | null {
    if (!backoff.isOver(session.sid, clock.monotonicMs())) return null
    const renewal = renew(session, clock.nowSeconds()).then((renewed) => {
      running.delete(session.sid)
      if (renewed.kind === 'failed') backoff.failed(session.sid, clock.monotonicMs())
      else backoff.succeeded(session.sid)
      return renewed
    })
    running.set(session.sid, renewal)
    return renewal
  }

  async function within(renewal: Promise<Renewed>, session: Session): Promise<Result<Session>> {
    const late: Renewed = { kind: 'failed' }
    const renewed = await Promise.race([renewal, deps.wait(WAIT_MS).then(() => late)])
    if (renewed.kind === 'ended') return refuse('session-revoked')
    return ok(renewed.kind === 'renewed' ? renewed.session : session)
  }

  function marginOf({ token, expiresAtSeconds }: NonNullable<Session['accessToken']>): number {
    const nearSeconds = expiresAtSeconds - clock.nowSeconds()
    if (nearSeconds > LONGEST_MARGIN_SECONDS) return LONGEST_MARGIN_SECONDS // for most tokens
    const issuedAtSeconds = deps.issuedAtSeconds(token)
    if (issuedAtSeconds === null) return LONGEST_MARGIN_SECONDS
    return Math.min(LONGEST_MARGIN_SECONDS, (expiresAtSeconds - issuedAtSeconds) / 4)
  }
}
