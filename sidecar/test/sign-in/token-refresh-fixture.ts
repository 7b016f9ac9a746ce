import type { Session } from '../../src/session/session.ts'
import { createSessionRegistry, type SessionRegistry } from '../../src/session/session-registry.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import type { ProviderAnswer, ProviderTokens } from '../../src/sign-in/openid-provider.ts'
import {
  createTokenRenewal,
  type Renewal,
  type RenewalEvent,
} from '../../src/sign-in/token-renewal.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import { createSignInStores } from '../../src/store/sign-in-stores.ts'
import { createSignInTokens } from '../../src/verify/sign-in-tokens.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { anomalyLog, CIPHER, SESSION, SESSION_ID, seenSeal } from '../support/session-fixture.ts'
import {
  CLAIMS,
  type Claims,
  GENERIC,
  LIMITS,
  mint,
  NOW,
  signingKey,
} from '../verify/token-fixture.ts'
import { createFixture } from '../verify/token-verifier-fixture.ts'

export const CLIENT = 'brickgate-signin'

/**
 * A provider's token endpoint, sessions in a Redis in memory, and any number of sidecars that
 * renew.
 */
export interface RefreshFixture {
  readonly memory: MemoryKeyValues
  readonly registry: SessionRegistry
  /** the refresh tokens that the provider received, in order */
  readonly asked: string[]
  readonly events: RenewalEvent[]
  readonly unexpected: unknown[]
  /**
   * the provider's next answer; by default it rotates the refresh token and sends a new access
   * token
   */
  answer: (
    refreshToken: string,
  ) => ProviderAnswer<ProviderTokens> | Promise<ProviderAnswer<ProviderTokens>>
  /** called each time a renewal waits */
  onWait: () => void | Promise<void>
  accessToken(claims?: Claims, header?: Claims): string
  idToken(claims?: Claims): string
  given(changes?: Partial<ProviderTokens>): ProviderAnswer<ProviderTokens>
  /** another sidecar */
  sidecar(): Renewal
  open(changes?: Partial<Session>): Promise<Session>
  current(): Promise<Session | null>
}

export async function createRefreshFixture(): Promise<RefreshFixture> {
  const key = await signingKey('k1')
  const fixture = createFixture()
  fixture.publish([key])
  fixture.clock.ms += 1000 // an unknown key id may have been published since
  const memory = createMemoryKeyValues(() => NOW)
  const registry = createSessionRegistry({
    records: createSessionRecords(memory),
    cipher: CIPHER,
    observer: anomalyLog(),
    seal: seenSeal(anomalyLog()),
    newId: () => SESSION_ID,
    maxPerSubject: 500,
    isIdle: createIdleRule(1800, () => []),
  })
  const onUnexpected = (error: unknown) => void refreshing.unexpected.push(error)
  const issuer = GENERIC
  const parts = { issuer, clientId: CLIENT, limits: LIMITS, keys: fixture.keys, onUnexpected }
  const tokens = createSignInTokens(parts)
  let count = 0
  const access = (claims: Claims = {}, header: Claims = {}) =>
    mint(key, { ...CLAIMS, jti: `access-${++count}`, ...claims }, header)
  const id = (claims: Claims = {}) =>
    mint(key, { iss: CLAIMS['iss'], aud: CLIENT, sub: 'alice', iat: NOW, exp: NOW + 60, ...claims })
  const refreshing: RefreshFixture = {
    memory,
    registry,
    asked: [],
    events: [],
    unexpected: [],
    answer: () => refreshing.given(),
    onWait: () => undefined,
    accessToken: access,
    idToken: id,
    given: (changes = {}) => ({
      ok: true,
      value: {
        accessToken: access(),
        expiresInSeconds: 3600,
        refreshToken: `refresh-${++count}`,
        idToken: null,
        ...changes,
      },
    }),
    sidecar: () =>
      createTokenRenewal({
        tokens,
        verifier: fixture.verifier,
        onUnusable: () => undefined,
        provider: {
          refresh: async (refreshToken) => {
            refreshing.asked.push(refreshToken)
            return refreshing.answer(refreshToken)
          },
        },
        registry,
        locks: createSignInStores(memory, () => false).locks,
        newOwner: () => `owner-${++count}`,
        wait: async () => {
          await new Promise((resolve) => setImmediate(resolve))
          await refreshing.onWait()
        },
        onEvent: (event) => void refreshing.events.push(event),
        onUnexpected,
      }),
    open: async (changes = {}) => {
      const { sid: _, ...draft } = SESSION
      const principal = { ...SESSION.principal, issuerName: 'idp', subject: 'alice' }
      const token = access()
      const opened = await registry.open(
        {
          ...draft,
          principal,
          expiresAtSeconds: NOW + 28_000,
          accessToken: { token, expiresAtSeconds: NOW + 1, tokenId: 'access-0' },
          refreshToken: 'refresh-0',
          idToken: id({ nonce: 'n-1' }),
          ...changes,
        },
        NOW,
      )
      if (!opened.ok) throw new Error(opened.reason)
      return opened.value.session
    },
    current: async () => {
      const found = await registry.find(SESSION.sid, NOW)
      if (!found.ok) throw new Error(found.reason)
      return found.value?.session ?? null
    },
  }
  return refreshing
}
