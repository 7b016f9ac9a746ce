import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createOpenIdProvider } from '../adapters/openid-provider.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../domain/clock.ts'
import type { Tier } from '../domain/tier.ts'
import type { Logger } from '../observe/log.ts'
import type { RevocationView } from '../revocation/revocation-view.ts'
import type { IdentityDeps } from '../sign-in/identity.ts'
import { createIdpLogout, type IdpLogout } from '../sign-in/idp-logout.ts'
import type { OpenIdProvider } from '../sign-in/openid-provider.ts'
import { createSignIn, type SignIn } from '../sign-in/sign-in.ts'
import { createTokenRefresh, type TokenRefresh } from '../sign-in/token-refresh.ts'
import { createTokenRenewal } from '../sign-in/token-renewal.ts'
import { createTransactions } from '../sign-in/transaction.ts'
import type { KeyValues } from '../store/key-values.ts'
import { createSignInStores } from '../store/sign-in-stores.ts'
import type { KeySource } from '../verify/key-source.ts'
import { createSignInTokens, issuedAtOf } from '../verify/sign-in-tokens.ts'
import type { TokenVerifier } from '../verify/token-verifier.ts'
import { recordCipher, type SessionAdministration } from './session-administration.ts'
import { tokenLimits, trustedIssuers } from './trusted-issuers.ts'

/** The parts for people who sign in with a browser. */
export interface SignInParts {
  readonly provider: OpenIdProvider
  readonly signIn: SignIn
  readonly refresh: TokenRefresh
  readonly idpLogout: IdpLogout
  /** scheme, host and port of the provider, which may frame the front-channel logout */
  readonly providerOrigin: string
}

export interface SignInPartsDeps {
  readonly verifier: TokenVerifier
  readonly keys: KeySource
  readonly keyValues: KeyValues
  /** whether Redis has no room for new sign-ins */
  readonly redisNews: () => { readonly isFull: boolean }
  readonly administration: SessionAdministration
  readonly revocations: RevocationView
  readonly publicOrigins: Readonly<Record<Tier, string>>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * @returns null without `sign_in` in the configuration
 * @throws {Error} when the issuer's CA cannot be read any more
 */
export function createSignInParts(config: Config, deps: SignInPartsDeps): SignInParts | null {
  const section = config.sign_in
  const issuer = trustedIssuers(config).find(({ issuerName }) => issuerName === section?.issuer)
  if (section === undefined || issuer === undefined) return null
  const { keys, administration, log } = deps
  const limits = tokenLimits(config)
  const toleranceSeconds = limits.clockSkewSeconds + limits.leewaySeconds
  const onUnexpected = (error: unknown): void =>
    log.error({ err: error }, 'a token of a sign-in could not be judged')
  const tokens = createSignInTokens({
    issuer,
    limits,
    keys,
    onUnexpected,
    clientId: section.client_id,
  })
  const stores = createSignInStores(deps.keyValues, () => deps.redisNews().isFull)
  const provider = openProvider(config, section, deps)
  const identity: IdentityDeps = {
    tokens,
    verifier: deps.verifier,
    onUnusable: (reason) => log.warn({ reason }, 'the access token of a sign-in is not usable'),
  }
  return {
    provider,
    signIn: createSignIn({
      ...identity,
      provider,
      transactions: createTransactions(stores.spentSignIns, recordCipher(config, 'bg-signin')),
      registry: administration.registry,
      revocations: deps.revocations,
      absoluteTimeoutSeconds: config.sessions.absolute_timeout_s,
      isTokenForwarded: config.workspace.credential.type === 'passthrough',
      newSecret,
      onUnverified: (reason) => log.warn({ reason }, 'the tokens of a sign-in were not accepted'),
    }),
    refresh: createTokenRefresh({
      renew: createTokenRenewal({
        ...identity,
        provider,
        onUnexpected,
        wait,
        registry: administration.registry,
        locks: stores.locks,
        newOwner: newSecret,
        onEvent: (event) => log.info({ event }, 'the access token of a session'),
      }),
      clock: deps.clock,
      issuedAtSeconds: issuedAtOf,
      wait,
    }),
    idpLogout: createIdpLogout({ ...stores, tokens, issuer, toleranceSeconds, ...administration }),
    providerOrigin: new URL(issuer.issuerUrl).origin,
  }
}

function openProvider(
  config: Config,
  section: NonNullable<Config['sign_in']>,
  { publicOrigins, log }: SignInPartsDeps,
): OpenIdProvider {
  const row = config.issuers.find(({ name }) => name === section.issuer)
  return createOpenIdProvider(
    {
      issuerUrl: row?.issuer ?? '',
      clientId: section.client_id,
      clientSecret: section.client_secret,
      authentication: section.client_authentication,
      scopes: section.scopes,
      resource: section.resource ?? null,
      ca: row?.ca_file === undefined ? null : readFileSync(row.ca_file, 'utf8'),
      publicOrigins,
    },
    (operation, error) => log.warn({ err: error, operation }, 'the provider of sign-in failed'),
  )
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}
