import { signInSeconds } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import type { Result } from '../domain/result.ts'
import type { Tier } from '../domain/tier.ts'
import { type Cookie, SIGN_IN_COOKIE } from '../http/cookies.ts'
import { returnAddresses } from '../http/return-address.ts'
import { ROUTES } from '../http/routes.ts'
import type { RevocationView } from '../revocation/revocation-view.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionDraft, SessionRegistry } from '../session/session-registry.ts'
import { isOutage } from '../verify/sign-in-tokens.ts'
import { createAttempts } from './attempts.ts'
import { type IdentityDeps, identify } from './identity.ts'
import type { OpenIdProvider, ProviderTokens } from './openid-provider.ts'
import { shortIdOf, type Transaction, type Transactions } from './transaction.ts'

/**
 * Why nobody was signed in. `no-transaction`: this browser began no such sign-in, or long ago.
 * `spent`: the sign-in was completed or has failed before. `busy`: too many sign-ins of the network
 * failed just now; this sign-in can be completed later. `refused`: the provider refused.
 * `unverified`: its tokens do not verify. `unusable`: the workspace would reject the access token.
 * `revoked`: access was ended since. `unavailable`: a dependency does not answer.
 */
export type SignInFailure =
  | 'no-transaction'
  | 'spent'
  | 'busy'
  | 'refused'
  | 'unverified'
  | 'unusable'
  | 'revoked'
  | 'unavailable'

export type SignInOutcome<T, F extends SignInFailure = SignInFailure> =
  | { readonly ok: true; readonly value: T }
  /** `reason` is shown to the person, where it adds to `failure` */
  | { readonly ok: false; readonly failure: F; readonly reason?: DenyReason }

/** The browser that signs in, as the responder knows it. */
export interface Browser {
  readonly tier: Tier
  /** its unfinished sign-ins, oldest first */
  readonly signIns: readonly Cookie[]
  readonly sourceIp: string
  readonly userAgent: string
}

export interface BegunSignIn {
  /** address at the provider */
  readonly location: string
  /** holds the sign-in for ten minutes */
  readonly cookie: Cookie
  /** names of cookies of older sign-ins, which must make room */
  readonly outdated: readonly string[]
}

/** The result of a callback. */
export interface SignInEnd {
  readonly outcome: SignInOutcome<OpenedSession>
  /** the browser's page: path-absolute on the tier's public URL */
  readonly returnTo: string
  /** the name of a cookie to remove; null for none */
  readonly outdated: string | null
}

/** Signs browsers in: authorization code with PKCE, state, nonce and `iss`. */
export interface SignIn {
  /**
   * Begins a sign-in. It calls no provider and writes nothing, so an unfinished sign-in costs
   * nothing.
   *
   * @param returnTo as the browser requested; an unsafe address is replaced by the page of
   *   sessions
   */
  begin(
    browser: Browser,
    wishes: { readonly returnTo: string | null; readonly isForced: boolean },
    nowSeconds: number,
  ): Promise<SignInOutcome<BegunSignIn, 'refused' | 'unavailable'>>
  complete(browser: Browser, parameters: URLSearchParams, nowSeconds: number): Promise<SignInEnd>
}

export interface SignInDeps extends IdentityDeps {
  readonly provider: Pick<OpenIdProvider, 'authorizationUrl' | 'redeem'>
  readonly transactions: Transactions
  readonly registry: Pick<SessionRegistry, 'open'>
  readonly revocations: RevocationView
  readonly absoluteTimeoutSeconds: number
  /** true: the access token of the sign-in goes to the workspace, which accepts no other */
  readonly isTokenForwarded: boolean
  /** 256 random bits in base64url */
  readonly newSecret: () => string
  /** called with the reason why the provider's tokens were not accepted */
  readonly onUnverified: (reason: DenyReason) => void
}

/** Lifetime of a sign-in and of its cookie. */
export const TRANSACTION_SECONDS = 600
/** unfinished sign-ins of a browser, one per tab */
const MAX_TRANSACTIONS = 4
/** cookies that an answer removes at most */
const MAX_OUTDATED = 16
const STATE = /^[A-Za-z0-9_-]{43}$/

export function createSignIn(deps: SignInDeps): SignIn {
  const { provider, transactions, newSecret } = deps
  const attempts = createAttempts()
  return {
    begin: async ({ tier, signIns }, { returnTo, isForced }, nowSeconds) => {
      const [state, nonce, codeVerifier] = [newSecret(), newSecret(), newSecret()]
      const at = await provider.authorizationUrl({ tier, state, nonce, codeVerifier, isForced })
      if (!at.ok) return failed(at.failure === 'unavailable' ? 'unavailable' : 'refused')
      const expiresAtSeconds = nowSeconds + TRANSACTION_SECONDS
      const begun = { state, tier, nonce, codeVerifier, expiresAtSeconds }
      const value = await sealNearest(returnTo, begun)
      const names = [...new Set(signIns.map((cookie) => cookie.name))]
      return succeeded({
        location: at.value,
        cookie: { name: cookieName(state), value },
        outdated: names.slice(0, 1 - MAX_TRANSACTIONS).slice(0, MAX_OUTDATED),
      })
    },
    complete: async (browser, parameters, nowSeconds) => {
      const [state, ...further] = parameters.getAll('state')
      if (state === undefined || !STATE.test(state) || further.length > 0) {
        return over(failed('no-transaction'))
      }
      const transaction = await held(browser, state, nowSeconds)
      if (transaction === null) return over(await unknown(state))
      const { returnTo } = transaction
      if (!attempts.take(browser.sourceIp, nowSeconds)) return over(failed('busy'), returnTo)
      // INVARIANT: a transaction is spent before its code is redeemed; otherwise a copied cookie
      // could redeem the code.
      const spent = await transactions.spend(transaction)
      if (!spent.ok) return over(failed('unavailable'), returnTo)
      const outcome = spent.value
        ? await redeem(browser, transaction, parameters, nowSeconds)
        : failed('spent')
      if (outcome.ok) attempts.giveBack(browser.sourceIp)
      return { outcome, returnTo, outdated: cookieName(state) }
    },
  }

  /** Seals the whole link where it fits, else the nearest page. */
  async function sealNearest(
    returnTo: string | null,
    transaction: Omit<Transaction, 'returnTo'>,
  ): Promise<string> {
    for (const place of returnAddresses(returnTo)) {
      const value = await transactions.seal({ ...transaction, returnTo: place })
      if (value !== null) return value
    }
    throw new RangeError('a sign-in for the own page does not fit into a cookie')
  }

  /**
   * The sign-in that the browser began with this `state`.
   *
   * INVARIANT: only one cookie is opened, however many are sent, and without it no code is
   * redeemed. Otherwise a link could sign a browser in.
   */
  async function held(
    { signIns, tier }: Browser,
    state: string,
    nowSeconds: number,
  ): Promise<Transaction | null> {
    const name = cookieName(state)
    const [cookie, ...further] = signIns.filter((one) => one.name === name)
    if (cookie === undefined || further.length > 0) return null
    const transaction = await transactions.open(cookie.value, state, nowSeconds)
    return transaction?.tier === tier ? transaction : null
  }

  /** A completed sign-in looks to its browser like a sign-in that was never begun. */
  async function unknown(state: string): Promise<SignInOutcome<never>> {
    const known: Result<boolean> = await transactions.isSpent(state)
    if (!known.ok) return failed('unavailable')
    return failed(known.value ? 'spent' : 'no-transaction')
  }

  async function redeem(
    browser: Browser,
    transaction: Transaction,
    parameters: URLSearchParams,
    nowSeconds: number,
  ): Promise<SignInOutcome<OpenedSession>> {
    const { state, tier, nonce, codeVerifier } = transaction
    const given = await provider.redeem({ tier, state, nonce, codeVerifier, parameters })
    if (!given.ok) return failed(given.failure === 'unavailable' ? 'unavailable' : 'refused')
    return open(browser, nonce, given.value, nowSeconds)
  }

  async function open(
    browser: Browser,
    nonce: string,
    given: ProviderTokens,
    nowSeconds: number,
  ): Promise<SignInOutcome<OpenedSession>> {
    const expected = { nonce, isRequired: true }
    const identity = await identify(given, expected, nowSeconds, deps)
    if (!identity.ok) {
      if (isOutage(identity.reason)) return failed('unavailable')
      deps.onUnverified(identity.reason)
      return failed('unverified')
    }
    const { principal, accessToken, unusable } = identity.value
    if (unusable !== null && deps.isTokenForwarded) {
      deps.onUnverified(unusable)
      return { ok: false, failure: 'unusable', reason: unusable }
    }
    const session: SessionDraft = {
      principal,
      kind: 'browser',
      tier: browser.tier,
      signInSeconds: signInSeconds(principal),
      createdAtSeconds: nowSeconds,
      expiresAtSeconds: endOf(given, accessToken, nowSeconds + deps.absoluteTimeoutSeconds),
      accessToken,
      refreshToken: given.refreshToken,
      idToken: given.idToken,
      sourceIp: browser.sourceIp,
      userAgent: browser.userAgent,
    }
    return openUnlessRevoked(session, nowSeconds)
  }

  /**
   * Opens a session only if it counts; a session that is denied at once would redirect the browser
   * in a loop.
   */
  async function openUnlessRevoked(
    session: SessionDraft,
    nowSeconds: number,
  ): Promise<SignInOutcome<OpenedSession>> {
    // Checked like a token: while revocations may be lost, an older sign-in does not count.
    const checked = await deps.revocations.check(session.principal, null, nowSeconds)
    if (!checked.ok) return failed(isOutage(checked.reason) ? 'unavailable' : 'revoked')
    // during an outage known callers go on, and new callers do not
    if (checked.value.isFromOutage) return failed('unavailable')
    const opened = await deps.registry.open(session, nowSeconds)
    return opened.ok ? succeeded(opened.value) : failed('unavailable')
  }
}

function cookieName(state: string): string {
  return `${SIGN_IN_COOKIE}${shortIdOf(state)}`
}

/** Without a refresh token, the session ends with the access token. */
function endOf(
  given: ProviderTokens,
  accessToken: Session['accessToken'],
  latestSeconds: number,
): number {
  if (given.refreshToken !== null || accessToken === null) return latestSeconds
  return Math.min(latestSeconds, accessToken.expiresAtSeconds)
}

/** The result of a callback whose transaction, if any, can still be completed. */
function over(outcome: SignInOutcome<never>, returnTo: string = ROUTES.home): SignInEnd {
  return { outcome, returnTo, outdated: null }
}

function succeeded<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

function failed<F extends SignInFailure>(failure: F): SignInOutcome<never, F> {
  return { ok: false, failure }
}
