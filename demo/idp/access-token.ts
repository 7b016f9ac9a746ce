import {
  type AccessToken,
  type ClientCredentials,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
  type ResourceServer,
  type UnknownObject,
} from 'oidc-provider'
import { findAccount } from './accounts.ts'

/** The audience of every access token here that does not ask for another. */
export const AUDIENCE = 'api://databricks'
/** How long an access token lives. */
export const LIFETIME_SECONDS = 3600
/** The scopes of that audience. */
export const SCOPES = 'all-apis sql'

type ResourceIndicators = NonNullable<Configuration['features']>['resourceIndicators']

/**
 * Makes every access token a JWT (RFC 9068) for the audience, whether or not `resource` is sent.
 *
 * @param lifetimeSeconds asked for each token
 */
export function resourceIndicators(lifetimeSeconds: () => number): ResourceIndicators {
  const describe = (): ResourceServer => ({
    audience: AUDIENCE,
    scope: SCOPES,
    accessTokenTTL: lifetimeSeconds(),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  })
  return {
    enabled: true,
    defaultResource: () => AUDIENCE,
    useGrantedResource: () => true,
    getResourceServerInfo: (_context, resource) => {
      if (resource !== AUDIENCE) throw new errors.InvalidTarget()
      return describe()
    },
  }
}

/** The account's claims that go into its access tokens; a client's own token has none. */
export function extraTokenClaims(
  _context: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
): UnknownObject {
  const account = 'accountId' in token ? findAccount(token.accountId) : null
  return account === null ? {} : { email: account.email, groups: account.groups }
}
