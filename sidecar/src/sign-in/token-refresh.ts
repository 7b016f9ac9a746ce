import type { Clock } from '../domain/clock.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Session } from '../session/session.ts'
import { createBackoff } from './backoff.ts'
import type { Renewal, Renewed } from './token-renewal.ts'

/** Keeps the access tokens of sessions alive. */
export interface TokenRefresh {
  /**
   * The session with an access token that lives, where the provider gives one in time. One that is about to
   * end is renewed meanwhile, and nobody waits; for one that has ended a request waits a bounded moment.
   *
   * @returns the session as it is when there is nothing to do or nothing to be had: the upstream credential
   *   then says what is missing. Refuses with `session-revoked` what the provider has ended.
   */
  freshen(session: Session, nowSeconds: number): Result<Session> | Promise<Result<Session>>
}

export interface TokenRefreshDeps {
  readonly renew: Renewal
  readonly clock: Clock
  /** when a token was issued, in epoch seconds; null when it does not say */
  readonly issuedAtSeconds: (accessToken: string) => number | null
  readonly wait: (milliseconds: number) => Promise<void>
}

/** Of a check's two seconds, with what else it does. */
const WAIT_MS = 1200
/** A token is renewed in the last quarter of its life, and not sooner than a minute before its end. */
const LONGEST_MARGIN_SECONDS = 60

/** @returns never rejects, and neither does anything it started */
export function createTokenRefresh(deps: TokenRefreshDeps): TokenRefresh {
  const { renew, clock } = deps
  const backoff = createBackoff()
  /** one renewal a session in this process, however many requests need it */
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
    if (nearSeconds > LONGEST_MARGIN_SECONDS) return LONGEST_MARGIN_SECONDS // most need no closer look
    const issuedAtSeconds = deps.issuedAtSeconds(token)
    if (issuedAtSeconds === null) return LONGEST_MARGIN_SECONDS
    return Math.min(LONGEST_MARGIN_SECONDS, (expiresAtSeconds - issuedAtSeconds) / 4)
  }
}
