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
 * Why nobody was signed in. `no-transaction`: this browser began no such sign-in, or long ago. `spent`:
 * the sign-in was completed or has failed before. `busy`: too many sign-ins of the network failed just
 * now; this one can be completed later. `refused`: the provider said no. `unverified`: its tokens do not
 * count. `unusable`: they do, but the workspace would refuse the access token. `revoked`: they would, had access not been ended since. `unavailable`: something does not answer.
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
  /** `reason` is for the person to pass on, where there is more to say than `failure` */
  | { readonly ok: false; readonly failure: F; readonly reason?: DenyReason }

/** The browser that signs in, as the responder sees it. */
export interface Browser {
  readonly tier: Tier
  /** its sign-ins under way, oldest first */
  readonly signIns: readonly Cookie[]
  readonly sourceIp: string
  readonly userAgent: string
}

export interface BegunSignIn {
  /** at the provider */
  readonly location: string
  /** holds the sign-in for ten minutes */
  readonly cookie: Cookie
  /** names of cookies of older sign-ins, for which there is no room any more */
  readonly outdated: readonly string[]
}

/** What came of a callback. */
export interface SignInEnd {
  readonly outcome: SignInOutcome<OpenedSession>
  /** where the browser was going: path-absolute on the tier's public URL */
  readonly returnTo: string
  /** the name of the cookie that is of no more use; null for none */
  readonly outdated: string | null
}

/** Signs browsers in: authorization code with PKCE, state, nonce and `iss`. */
export interface SignIn {
  /**
   * Neither asks the provider nor writes anything down: a sign-in that is only begun costs nothing.
   *
   * @param returnTo as the browser asked for; our own page stands in for an unsafe address
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
  /** whether the access token of the sign-in goes to the workspace, which then takes no other */
  readonly isTokenForwarded: boolean
  /** 256 random bits in base64url */
  readonly newSecret: () => string
  /** called with why tokens of the provider were not accepted */
  readonly onUnverified: (reason: DenyReason) => void
}

/** How long a sign-in may take, and its cookie lives. */
export const TRANSACTION_SECONDS = 600
/** sign-ins of one browser at a time, one a tab */
const MAX_TRANSACTIONS = 4
/** cookies that one answer removes */
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
      const value = await sealNearest(returnTo, {
        ...{ state, tier, nonce, codeVerifier, expiresAtSeconds },
      })
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
      // INVARIANT: a transaction is spent before its code is redeemed, so that a copy redeems none.
      const spent = await transactions.spend(transaction)
      if (!spent.ok) return over(failed('unavailable'), returnTo)
      const outcome = spent.value
        ? await redeem(browser, transaction, parameters, nowSeconds)
        : failed('spent')
      if (outcome.ok) attempts.giveBack(browser.sourceIp)
      return { outcome, returnTo, outdated: cookieName(state) }
    },
  }

  /** The whole link where it can be kept, else what is nearest to it. */
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
   * INVARIANT: one cookie is opened, however many are sent, and without it nothing is redeemed.
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

  /** A sign-in that is done looks the same to its browser as one that was never begun. */
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
    return openInStanding(session, nowSeconds)
  }

  /** A session that is refused at once would send the browser round in circles. */
  async function openInStanding(
    session: SessionDraft,
    nowSeconds: number,
  ): Promise<SignInOutcome<OpenedSession>> {
    // As a token is judged: while revocations may be lost, an older sign-in is none to build on.
    const checked = await deps.revocations.check(session.principal, null, nowSeconds)
    if (!checked.ok) return failed(isOutage(checked.reason) ? 'unavailable' : 'revoked')
    if (checked.value.isFromOutage) return failed('unavailable') // known callers go on, nobody new
    const opened = await deps.registry.open(session, nowSeconds)
    return opened.ok ? succeeded(opened.value) : failed('unavailable')
  }
}

function cookieName(state: string): string {
  return `${SIGN_IN_COOKIE}${shortIdOf(state)}`
}

/** Without a refresh token, the access token is the last word of the provider on this person. */
function endOf(
  given: ProviderTokens,
  accessToken: Session['accessToken'],
  latestSeconds: number,
): number {
  if (given.refreshToken !== null || accessToken === null) return latestSeconds
  return Math.min(latestSeconds, accessToken.expiresAtSeconds)
}

/** The end of a callback whose transaction, if there is one, can still be completed. */
function over(outcome: SignInOutcome<never>, returnTo: string = ROUTES.home): SignInEnd {
  return { outcome, returnTo, outdated: null }
}

function succeeded<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

function failed<F extends SignInFailure>(failure: F): SignInOutcome<never, F> {
  return { ok: false, failure }
}
