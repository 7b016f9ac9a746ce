import type { AdapterFactory, Configuration, JWK } from 'oidc-provider'
import type { TrustingFetch } from '../service/trusting-fetch.ts'
import { extraTokenClaims, LIFETIME_SECONDS, resourceIndicators } from './access-token.ts'
import { findAccount } from './accounts.ts'
import { describeClients, type SignInAddresses } from './clients.ts'
import { findOrCreateGrant } from './grant.ts'
import type { KeyRing, SigningKey } from './key-ring.ts'
import { signedOutPage, signOutPage } from './pages.ts'

/** Settings that stay the same over changes of keys. */
export interface ProviderSettings {
  readonly state: AdapterFactory
  /** sign the provider's cookies; the first signs, all verify */
  readonly cookieKeys: readonly string[]
  readonly signIn: SignInAddresses
  /** how long access tokens live from now on */
  readonly lifetimeSeconds: () => number
  /** whether an account gets no more tokens */
  readonly isDisabled: (username: string) => boolean
  /** sends the logout tokens */
  readonly fetch: TrustingFetch
}

const DAY_SECONDS = 86_400

/** The whole oidc-provider configuration for the keys of this moment. */
export function createConfiguration(settings: ProviderSettings, keys: KeyRing): Configuration {
  return {
    adapter: settings.state,
    clients: describeClients(settings.signIn),
    cookies: { keys: settings.cookieKeys },
    jwks: { keys: keys.published().map(describeKey) },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    features: { ...FEATURES, resourceIndicators: resourceIndicators(settings.lifetimeSeconds) },
    extraTokenClaims,
    findAccount: (_context, username) =>
      settings.isDisabled(username) ? undefined : describeAccount(username),
    loadExistingGrant: findOrCreateGrant,
    rotateRefreshToken: true, // and one that is used twice ends its grant
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    responseTypes: ['code'],
    pkce: { required: () => true },
    fetch: (input, init) => settings.fetch(input instanceof Request ? input.url : input, init),
    ttl: { ...TTL, AccessToken: settings.lifetimeSeconds },
    renderError: (context, out) => {
      context.type = 'text/plain'
      context.body = `${out.error}: ${out.error_description ?? ''}\n`
    },
  }
}

const FEATURES: Configuration['features'] = {
  backchannelLogout: { enabled: true },
  clientCredentials: { enabled: true },
  devInteractions: { enabled: false },
  rpInitiatedLogout: {
    enabled: true,
    logoutSource: (context, form) => {
      context.body = signOutPage(form)
    },
    postLogoutSuccessSource: (context) => {
      context.body = signedOutPage()
    },
  },
  // Access tokens are for the audience only; without this endpoint ID tokens carry every claim.
  userinfo: { enabled: false },
}

const TTL: Configuration['ttl'] = {
  AuthorizationCode: 60,
  ClientCredentials: LIFETIME_SECONDS,
  Grant: DAY_SECONDS,
  IdToken: LIFETIME_SECONDS,
  Interaction: 600,
  RefreshToken: DAY_SECONDS,
  Session: DAY_SECONDS,
}

function describeKey({ kid, algorithm, privateKey }: SigningKey): JWK {
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
}

function describeAccount(username: string) {
  const account = findAccount(username)
  if (account === null) return undefined
  const { email, groups } = account
  return {
    accountId: username,
    claims: () => ({ sub: username, email, email_verified: true, groups }),
  }
}
