import { subjectKey } from '../domain/principal.ts'
import { refreshLockKey } from '../domain/redis-keys.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { Session } from '../session/session.ts'
import type { SessionRegistry } from '../session/session-registry.ts'
import { nonceOf } from '../verify/sign-in-tokens.ts'
import { accessTokenOf, type IdentityDeps, identify } from './identity.ts'
import type { OpenIdProvider, ProviderTokens } from './openid-provider.ts'

/**
 * Locks that all sidecars share. A lock that is not released expires. Never rejects; a failure is a
 * refusal with `state-unavailable`.
 */
export interface LockStore {
  /** @returns false when another owner has the lock */
  acquire(key: string, owner: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /** Releases the lock, unless another owner has it by now. */
  release(key: string, owner: string): Promise<Result<boolean>>
  /** Sets the expiry of a lock that the owner has. */
  hold(key: string, owner: string, expiresAtSeconds: number): Promise<Result<void>>
}

/** The result of renewing a session's access token. */
export type Renewed =
  | { readonly kind: 'renewed'; readonly session: Session }
  /** the session is over, here or at the provider */
  | { readonly kind: 'ended' }
  /** the session goes on unchanged; try again later */
  | { readonly kind: 'failed' }

/** Renews the access token of a session, once for all sidecars. Never rejects. */
export type Renewal = (session: Session, nowSeconds: number) => Promise<Renewed>

export interface TokenRenewalDeps extends IdentityDeps {
  readonly provider: Pick<OpenIdProvider, 'refresh'>
  readonly registry: Pick<SessionRegistry, 'find' | 'update' | 'end'>
  readonly locks: LockStore
  /** a unique name of this attempt */
  readonly newOwner: () => string
  readonly wait: (milliseconds: number) => Promise<void>
  /** called with events for operators, without tokens */
  readonly onEvent: (event: RenewalEvent) => void
  readonly onUnexpected: (error: unknown) => void
}

/**
 * `refreshed`: the provider sent a new token. `grant-ended`: the sign-in is over at the provider.
 * `groups-unknown`: the ID token of the sign-in listed groups, and no token of the refresh lists
 * any, so the session has ended. `unverified`: the tokens have another subject or do not verify.
 * `unsaved`: Redis did not store them, so a rotated refresh token is lost.
 */
export type RenewalEvent = 'refreshed' | 'grant-ended' | 'groups-unknown' | 'unverified' | 'unsaved'

const FAILED: Renewed = { kind: 'failed' }
const ENDED: Renewed = { kind: 'ended' }

/** Longer than the provider may take; a dead owner delays others for no longer. */
const LOCK_SECONDS = 15
/** After a failure the other sidecars do not call the provider at once. */
const PAUSE_SECONDS = 1
/** Interval and number of reads while waiting for another owner's record. */
const LOOK_EVERY_MS = 60
const LOOKS = 20
const SAVE_EVERY_MS = 250
const SAVES = 120

export function createTokenRenewal(deps: TokenRenewalDeps): Renewal {
  const renewal = new TokenRenewal(deps)
  return (session, nowSeconds) => renewal.renew(session, nowSeconds)
}

class TokenRenewal {
  readonly #deps: TokenRenewalDeps

  constructor(deps: TokenRenewalDeps) {
    this.#deps = deps
  }

  async renew(session: Session, nowSeconds: number): Promise<Renewed> {
    const key = refreshLockKey(session.sid)
    const owner = this.#deps.newOwner()
    try {
      const acquired = await this.#deps.locks.acquire(key, owner, nowSeconds + LOCK_SECONDS)
      if (!acquired.ok) return FAILED
      if (!acquired.value) return await this.#follow(session, nowSeconds)
      const renewed = await this.#renewAlone(session, nowSeconds)
      if (renewed.kind === 'failed')
        await this.#deps.locks.hold(key, owner, nowSeconds + PAUSE_SECONDS)
      else await this.#deps.locks.release(key, owner)
      return renewed
    } catch (error) {
      this.#deps.onUnexpected(error)
      return FAILED
    }
  }

  /** Another owner calls the provider; its result appears in the record. */
  async #follow(session: Session, nowSeconds: number): Promise<Renewed> {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      await this.#deps.wait(LOOK_EVERY_MS)
      const current = await this.#read(session, nowSeconds)
      if (current.kind !== 'renewed' || isRenewed(session, current.session)) return current
    }
    return FAILED
  }

  async #renewAlone(session: Session, nowSeconds: number): Promise<Renewed> {
    // The session may be outdated, from before another owner got the lock.
    const current = await this.#read(session, nowSeconds)
    if (current.kind !== 'renewed' || isRenewed(session, current.session)) return current
    const { refreshToken } = current.session
    if (refreshToken === null) return FAILED
    const given = await this.#deps.provider.refresh(refreshToken)
    if (given.ok) return this.#accept(current.session, given.value, nowSeconds)
    const isOver = given.failure === 'invalid-grant'
    return isOver ? this.#end(current.session, 'grant-ended', nowSeconds) : FAILED
  }

  async #read(session: Session, nowSeconds: number): Promise<Renewed> {
    const found = await this.#deps.registry.find(session.sid, nowSeconds)
    if (!found.ok) return FAILED
    return found.value === null ? ENDED : { kind: 'renewed', session: found.value.session }
  }

  /**
   * INVARIANT: a session ends only when the provider refuses the token that the session holds now.
   * A refusal of an older token would end a refreshed session.
   */
  async #end(
    session: Session,
    event: 'grant-ended' | 'groups-unknown',
    nowSeconds: number,
  ): Promise<Renewed> {
    const current = await this.#read(session, nowSeconds)
    if (current.kind !== 'renewed') return current
    if (current.session.refreshToken !== session.refreshToken) return current
    const ended = await this.#deps.registry.end(session)
    if (ended.ok) this.#deps.onEvent(event)
    return ended.ok ? ENDED : FAILED
  }

  /** Stores a rotated refresh token whatever else fails, because the previous token is used up. */
  async #accept(session: Session, given: ProviderTokens, nowSeconds: number): Promise<Renewed> {
    const fresh = await this.#freshParts(session, given, nowSeconds)
    if (!fresh.ok && fresh.reason === 'groups-unknown' && given.idToken === null) {
      return this.#end(session, 'groups-unknown', nowSeconds)
    }
    const isUsable = fresh.ok && fresh.value !== null
    this.#deps.onEvent(isUsable ? 'refreshed' : 'unverified')
    const saved = await this.#save(session, nowSeconds, (held) => ({
      ...held,
      ...(isUsable ? fresh.value : {}),
      refreshToken: given.refreshToken ?? held.refreshToken,
    }))
    return isUsable || saved.kind === 'ended' ? saved : FAILED
  }

  async #freshParts(
    session: Session,
    given: ProviderTokens,
    nowSeconds: number,
  ): Promise<Result<FreshParts | null>> {
    if (given.idToken === null) return this.#byAccessToken(session, given, nowSeconds)
    const expected = { nonce: nonceOf(session.idToken ?? '') ?? '', isRequired: false }
    const identity = await identify(given, expected, nowSeconds, this.#deps)
    if (!identity.ok) return identity
    const { principal, accessToken } = identity.value
    const isSame = subjectKey(principal) === subjectKey(session.principal)
    if (!isSame || accessToken === null) return ok(null)
    const { groups, email } = principal
    return ok({
      principal: { ...session.principal, groups, email },
      accessToken,
      idToken: given.idToken,
    })
  }

  async #byAccessToken(
    session: Session,
    given: ProviderTokens,
    nowSeconds: number,
  ): Promise<Result<FreshParts | null>> {
    const access = await this.#deps.verifier.verifyGranted(given.accessToken, nowSeconds)
    if (!access.ok) return access
    if (subjectKey(access.value) !== subjectKey(session.principal)) return ok(null)
    // INVARIANT: groups that were withdrawn do not outlive the access token. Where the access token
    // lists none, they came from the ID token, and nobody knows whether they still apply.
    const { listsGroups } = this.#deps.tokens
    const isListed = listsGroups(given.accessToken)
    if (!isListed && listsGroups(session.idToken ?? '')) return refuse('groups-unknown')
    const principal = { ...session.principal, groups: access.value.groups }
    return ok({ principal, accessToken: accessTokenOf(given, access.value, nowSeconds) })
  }

  /**
   * INVARIANT: a session that ended meanwhile stays ended, and other changes stay. Otherwise a
   * refresh would undo a revocation.
   */
  async #save(
    session: Session,
    nowSeconds: number,
    change: (held: Session) => Session,
  ): Promise<Renewed> {
    let held = session
    for (let saves = 0; saves < SAVES; saves += 1) {
      const after = change(held)
      const updated = await this.#deps.registry.update(held, after)
      if (updated.ok && updated.value) return { kind: 'renewed', session: after }
      const current = updated.ok ? await this.#read(session, nowSeconds) : FAILED
      if (current.kind === 'ended') return current
      if (current.kind === 'renewed') {
        if (current.session.refreshToken !== session.refreshToken) return current
        held = current.session
      } else await this.#deps.wait(SAVE_EVERY_MS)
    }
    this.#deps.onEvent('unsaved')
    return FAILED
  }
}

type FreshParts = Pick<Session, 'accessToken'> & Partial<Pick<Session, 'principal' | 'idToken'>>

function isRenewed(before: Session, now: Session): boolean {
  return before.accessToken?.token !== now.accessToken?.token
}
