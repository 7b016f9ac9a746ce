import type * as OpenIdClientLibrary from 'openid-client'
import { Agent, fetch, type RequestInit as UndiciInit } from 'undici'
import type { Tier } from '../domain/tier.ts'
import { ROUTES } from '../http/routes.ts'
import {
  type EndSessionHints,
  type OpenIdProvider,
  type ProviderAnswer,
  type ProviderFailure,
  type ProviderTokens,
} from '../sign-in/openid-provider.ts'

/** The client at the provider, from `sign_in` of the configuration. */
export interface OpenIdClient {
  readonly issuerUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authentication: 'client_secret_basic' | 'client_secret_post'
  readonly scopes: readonly string[]
  /** RFC 8707, sent with every request for a token; null for none */
  readonly resource: string | null
  /** PEM of the only authorities trusted for the issuer; null for Node's own */
  readonly ca: string | null
  /** the public URL of each tier */
  readonly publicOrigins: Readonly<Record<Tier, string>>
}

/** Called with the cause of a failure; must not throw. */
export type ProviderFailureListener = (operation: string, error: unknown) => void

type Library = typeof OpenIdClientLibrary
type Discovered = OpenIdClientLibrary.Configuration

interface Ready {
  readonly library: Library
  readonly configuration: Discovered
}

const TIMEOUT_SECONDS = 5
const REDISCOVER_MS = 3_600_000
/** after a failure, however many browsers want to sign in */
const PAUSE_MS = 1000
const MAX_ANSWER_BYTES = 512 * 1024
/**
 * Limit of every URL that sends a browser to the provider. Servers and proxies on the way have
 * unknown limits; an ID token with many groups alone can have 20 KB.
 */
const MAX_URL = 2000

/**
 * The only caller of openid-client. The provider's metadata are fetched at their first use, so a
 * provider that is down keeps no process from starting.
 */
export function createOpenIdProvider(
  client: OpenIdClient,
  onFailure: ProviderFailureListener,
): OpenIdProvider {
  const discovery = createDiscovery(client)
  const resource = client.resource === null ? {} : { resource: client.resource }
  let reported: unknown = null
  return {
    prepare: async () => void (await import('openid-client')),
    authorizationUrl: ({ tier, state, nonce, codeVerifier, isForced }) =>
      attempt('authorization', async ({ library, configuration }) => {
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: `${client.publicOrigins[tier]}${ROUTES.callback}`,
          scope: client.scopes.join(' '),
          state,
          nonce,
          code_challenge: await library.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          ...(isForced ? { prompt: 'login' } : {}),
          ...resource,
        })
        if (url.href.length > MAX_URL) {
          throw new Error(`an authorization request of ${url.href.length} characters is too long`)
        }
        return url.href
      }),
    redeem: ({ tier, state, nonce, codeVerifier, parameters }) =>
      attempt('redeeming a code', async ({ library, configuration }) => {
        const url = new URL(`${client.publicOrigins[tier]}${ROUTES.callback}`)
        url.search = parameters.toString()
        const expected = { expectedState: state, expectedNonce: nonce, idTokenExpected: true }
        const checks = { ...expected, pkceCodeVerifier: codeVerifier }
        return tokensOf(
          await library.authorizationCodeGrant(configuration, url, checks, { ...resource }),
        )
      }),
    refresh: (refreshToken) =>
      attempt('refreshing a token', async ({ library, configuration }) =>
        tokensOf(await library.refreshTokenGrant(configuration, refreshToken, { ...resource })),
      ),
    endSessionUrl: async (hints, tier) => {
      const answer = await attempt('signing out', async ({ library, configuration }) => {
        if (configuration.serverMetadata().end_session_endpoint === undefined) return null
        const back = {
          post_logout_redirect_uri: `${client.publicOrigins[tier]}${ROUTES.signedOut}`,
        }
        const urls = hintParameters(hints).map(
          (hint) => library.buildEndSessionUrl(configuration, { ...back, ...hint }).href,
        )
        return urls.find((url) => url.length <= MAX_URL) ?? null
      })
      return answer.ok ? answer.value : null
    },
    endSessionOrigin: () =>
      new URL(discovery.known()?.serverMetadata().end_session_endpoint ?? client.issuerUrl).origin,
  }

  async function attempt<T>(
    operation: string,
    work: (ready: Ready) => Promise<T>,
  ): Promise<ProviderAnswer<T>> {
    let ready: Ready | null = null
    try {
      ready = await discovery.ready()
      return { ok: true, value: await work(ready) }
    } catch (error) {
      // A failed fetch of the metadata that many waited for is a single error, and a single line in
      // the log.
      if (error !== reported) onFailure(operation, error)
      reported = error
      return {
        ok: false,
        failure: ready === null ? 'unavailable' : failureOf(error, ready.library),
      }
    }
  }
}

/** Hints for the session to end, from the best to none; `client_id` is always present. */
function hintParameters({ idToken, logoutHint }: EndSessionHints): readonly Parameters[] {
  return [
    ...(idToken === null ? [] : [{ id_token_hint: idToken }]),
    ...(logoutHint === null ? [] : [{ logout_hint: logoutHint }]),
    {},
  ]
}

type Parameters = Readonly<Record<string, string>>

interface Discovery {
  /**
   * The library with the provider's metadata, fetched anew each hour. At most one fetch runs at a
   * time, and none in the second after a failure: until then the same error is the answer.
   */
  ready(): Promise<Ready>
  /** the last fetched metadata */
  known(): Discovered | null
}

function createDiscovery(client: OpenIdClient): Discovery {
  const authorities = client.ca === null ? {} : { ca: client.ca }
  const dispatcher = new Agent({
    maxResponseSize: MAX_ANSWER_BYTES,
    // without it, a handshake that never ends outlives its request by 5 s
    connect: { ...authorities, timeout: TIMEOUT_SECONDS * 1000 },
  })
  let known: Ready | null = null
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let latest: Promise<Ready> | null = null
  let againAtMs = Number.NEGATIVE_INFINITY

  async function discover(): Promise<Ready> {
    const library = await import('openid-client')
    const authentication =
      client.authentication === 'client_secret_post'
        ? library.ClientSecretPost(client.clientSecret)
        : library.ClientSecretBasic(client.clientSecret)
    const configuration = await library.discovery(
      new URL(client.issuerUrl),
      client.clientId,
      {},
      authentication,
      { timeout: TIMEOUT_SECONDS, [library.customFetch]: send },
    )
    // INVARIANT: compared character by character, like `iss` of tokens; a similar issuer could
    // otherwise answer.
    const { issuer } = configuration.serverMetadata()
    if (issuer !== client.issuerUrl) throw new Error('the discovery document names another issuer')
    known = { library, configuration }
    fetchedAtMs = performance.now()
    return known
  }

  async function send(address: string, init: object): Promise<Response> {
    // The package types fetch apart from Node's globals; what is sent is text or URLSearchParams.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const options = { ...init, dispatcher } as UndiciInit
    return fetch(address, options)
  }

  return {
    ready: async () => {
      if (known !== null && performance.now() - fetchedAtMs < REDISCOVER_MS) return known
      if (latest === null || performance.now() >= againAtMs) {
        againAtMs = Number.POSITIVE_INFINITY
        latest = discover().finally(() => (againAtMs = performance.now() + PAUSE_MS))
      }
      try {
        return await latest
      } catch (error) {
        if (known === null) throw error
        return known // the metadata of an hour ago serve while newer metadata are unavailable
      }
    },
    known: () => known?.configuration ?? null,
  }
}

function tokensOf(answer: {
  readonly access_token: string
  readonly expires_in?: number | undefined
  readonly refresh_token?: string | undefined
  readonly id_token?: string | undefined
}): ProviderTokens {
  return {
    accessToken: answer.access_token,
    expiresInSeconds: answer.expires_in ?? null,
    refreshToken: answer.refresh_token ?? null,
    idToken: answer.id_token ?? null,
  }
}

/**
 * Failures that do not concern the request itself: no answer, and answers of a provider in trouble.
 */
const TROUBLE: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])
const TROUBLE_WORDS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable'])

function failureOf(error: unknown, library: Library): ProviderFailure {
  if (error instanceof library.ResponseBodyError) {
    if (error.status >= 500 || TROUBLE_WORDS.has(error.error)) return 'unavailable'
    return error.error === 'invalid_grant' ? 'invalid-grant' : 'refused'
  }
  if (error instanceof library.AuthorizationResponseError) {
    return TROUBLE_WORDS.has(error.error) ? 'unavailable' : 'refused'
  }
  if (error instanceof library.ClientError && error.code !== undefined) {
    return TROUBLE.has(error.code) ? 'unavailable' : 'refused'
  }
  return 'unavailable' // a failed connection, in any form of the platform
}
