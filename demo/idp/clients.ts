import type { ClientMetadata } from 'oidc-provider'

/** The client for machines: client credentials only, no groups. Not a secret: loopback demo. */
export const CI_CLIENT = { id: 'demo-ci', secret: 'demo-ci-secret' } as const

/** The gateway's own client for signing people in. Not a secret: loopback demo. */
export const SIGN_IN_CLIENT = { id: 'brickgate-signin', secret: 'brickgate-signin-secret' } as const

/** Where the sign-in client lives. Every address is absolute. */
export interface SignInAddresses {
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  /** where logout tokens are POSTed (OIDC Back-Channel Logout 1.0 section 2.5), null for nowhere */
  readonly backchannelLogoutUri: string | null
}

/** The registered clients; both authenticate with `client_secret_basic`. */
export function describeClients(signIn: SignInAddresses): ClientMetadata[] {
  return [
    {
      client_id: CI_CLIENT.id,
      client_secret: CI_CLIENT.secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: SIGN_IN_CLIENT.id,
      client_secret: SIGN_IN_CLIENT.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: signIn.redirectUris,
      post_logout_redirect_uris: signIn.postLogoutRedirectUris,
      ...describeLogout(signIn.backchannelLogoutUri),
    },
  ]
}

function describeLogout(uri: string | null): Partial<ClientMetadata> {
  return uri === null
    ? {}
    : { backchannel_logout_uri: uri, backchannel_logout_session_required: true }
}
