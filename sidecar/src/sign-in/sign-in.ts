import { signInSeconds } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import type { Tier } from '../domain/tier.ts'
import { isReturnAddress, OWN_PAGE } from '../http/return-address.ts'
import type { RevocationView } from '../revocation/revocation-view.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionRegistry } from '../session/session-registry.ts'
import { isOutage } from '../verify/sign-in-tokens.ts'
import { type IdentityDeps, identify } from './identity.ts'
import type { OpenIdProvider, ProviderTokens } from './openid-provider.ts'
import { digest, type Transaction, type Transactions } from './transaction.ts'

/**
 * Why nobody was signed in. `no-transaction`: this browser began no such sign-in, or long ago, or it is
 * done. `refused`: the provider said no. `unverified`: its tokens do not count. `revoked`: they would, had
 * access not been ended since.
 */
export type SignInFailure = 'no-transaction' | 'refused' | 'unverified' | 'revoked' | 'unavailable'

export type SignInOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: SignInFailure }

/** The browser that signs in, as the responder sees it. */
export interface Browser {
  readonly tier: Tier
  /** the value of its sign-in cookie, null without a good one */
  readonly secret: string | null
  readonly sourceIp: string
  readonly userAgent: string
}

export interface BegunSignIn {
  /** at the provider */
  readonly location: string
  /** the value of the browser's sign-in cookie */
  readonly secret: string
}

export interface CompletedSignIn extends OpenedSession {
  /** path-absolute on the tier's public URL */
  readonly returnTo: string
}

/** Signs browsers in: authorization code with PKCE, state, nonce and `iss`. */
export interface SignIn {
  /** @param returnTo as the browser asked for; what is no return address becomes our own page */
  begin(
    browser: Browser,
    wishes: { readonly returnTo: string | null; readonly isForced: boolean },
    nowSeconds: number,
  ): Promise<SignInOutcome<BegunSignIn>>
  complete(
    browser: Browser,
    parameters: URLSearchParams,
    nowSeconds: number,
  ): Promise<SignInOutcome<CompletedSignIn>>
}

export interface SignInDeps extends IdentityDeps {
  readonly provider: Pick<OpenIdProvider, 'authorizationUrl' | 'redeem'>
  readonly transactions: Transactions
  readonly registry: Pick<SessionRegistry, 'open'>
  readonly revocations: RevocationView
  readonly absoluteTimeoutSeconds: number
  /** 256 random bits in base64url */
  readonly newSecret: () => string
  /** told why tokens of the provider were not accepted */
  readonly onUnverified: (reason: DenyReason) => void
}

const TRANSACTION_SECONDS = 600
const SECRET = /^[A-Za-z0-9_-]{43}$/

export function createSignIn(deps: SignInDeps): SignIn {
  const { provider, transactions, newSecret } = deps
  return {
    begin: async ({ tier, secret: known }, { returnTo, isForced }, nowSeconds) => {
      const [state, nonce, codeVerifier] = [newSecret(), newSecret(), newSecret()]
      // Sign-ins in several tabs share the browser's secret: none of them undoes another.
      const secret = known !== null && SECRET.test(known) ? known : newSecret()
      const at = await provider.authorizationUrl({ tier, state, nonce, codeVerifier, isForced })
      if (!at.ok) return failed(at.failure === 'unavailable' ? 'unavailable' : 'refused')
      const stored = await transactions.put(state, {
        tier,
        nonce,
        codeVerifier,
        browser: digest(secret),
        returnTo: returnTo !== null && isReturnAddress(returnTo) ? returnTo : OWN_PAGE,
        expiresAtSeconds: nowSeconds + TRANSACTION_SECONDS,
      })
      return stored.ok ? succeeded({ location: at.value, secret }) : failed('unavailable')
    },
    complete: async (browser, parameters, nowSeconds) => {
      const [state, ...further] = parameters.getAll('state')
      // INVARIANT: without the cookie nothing is looked up, with another nothing is redeemed (login CSRF).
      if (browser.secret === null || state === undefined || further.length > 0) {
        return failed('no-transaction')
      }
      const taken = await transactions.take(state, nowSeconds)
      if (!taken.ok) return failed('unavailable')
      const transaction = taken.value
      if (transaction === null || !isBegunBy(browser, transaction)) return failed('no-transaction')
      const { tier, nonce, codeVerifier } = transaction
      const given = await provider.redeem({ tier, state, nonce, codeVerifier, parameters })
      if (!given.ok) return failed(given.failure === 'unavailable' ? 'unavailable' : 'refused')
      return open(browser, transaction, given.value, nowSeconds)
    },
  }

  async function open(
    browser: Browser,
    { nonce, returnTo }: Transaction,
    given: ProviderTokens,
    nowSeconds: number,
  ): Promise<SignInOutcome<CompletedSignIn>> {
    const expected = { nonce, isRequired: true }
    const identity = await identify(given, expected, nowSeconds, deps)
    if (!identity.ok) {
      if (isOutage(identity.reason)) return failed('unavailable')
      deps.onUnverified(identity.reason)
      return failed('unverified')
    }
    const { principal, accessToken } = identity.value
    const session: Omit<Session, 'sid'> = {
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
    return openInStanding(session, returnTo, nowSeconds)
  }

  /** A session that is refused at once would send the browser round in circles. */
  async function openInStanding(
    session: Omit<Session, 'sid'>,
    returnTo: string,
    nowSeconds: number,
  ): Promise<SignInOutcome<CompletedSignIn>> {
    // As a token is judged: while revocations may be lost, an older sign-in is none to build on.
    const checked = await deps.revocations.check(session.principal, null, nowSeconds)
    if (!checked.ok) return failed(isOutage(checked.reason) ? 'unavailable' : 'revoked')
    if (checked.value.isFromOutage) return failed('unavailable') // known callers go on, nobody new
    const opened = await deps.registry.open(session, nowSeconds)
    return opened.ok ? succeeded({ ...opened.value, returnTo }) : failed('unavailable')
  }
}

function isBegunBy(browser: Browser, transaction: Transaction): boolean {
  return browser.tier === transaction.tier && digest(browser.secret ?? '') === transaction.browser
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

function succeeded<T>(value: T): SignInOutcome<T> {
  return { ok: true, value }
}

function failed(failure: SignInFailure): SignInOutcome<never> {
  return { ok: false, failure }
}
