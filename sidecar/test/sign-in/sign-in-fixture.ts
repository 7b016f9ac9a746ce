import { randomBytes } from 'node:crypto'
import { ok, type Result } from '../../src/domain/result.ts'
import type { Cookie } from '../../src/http/cookies.ts'
import type { Unrevoked } from '../../src/revocation/revocation-view.ts'
import { createRecordCipher } from '../../src/session/record-cipher.ts'
import { type Session, sessionIdFrom } from '../../src/session/session.ts'
import { createSessionRegistry, type OpenedSession } from '../../src/session/session-registry.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import type {
  AuthorizationRequest,
  ProviderAnswer,
  ProviderTokens,
} from '../../src/sign-in/openid-provider.ts'
import {
  type BegunSignIn,
  type Browser,
  createSignIn,
  type SignInEnd,
  type SignInOutcome,
} from '../../src/sign-in/sign-in.ts'
import { createTransactions } from '../../src/sign-in/transaction.ts'
import { createSessionRecords } from '../../src/store/session-records.ts'
import { createSignInStores } from '../../src/store/sign-in-stores.ts'
import { createSignInTokens } from '../../src/verify/sign-in-tokens.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { anomalyLog, CIPHER, SESSION_KEY_BYTES, seenSeal } from '../support/session-fixture.ts'
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

/** Sign-ins at a provider that the test simulates, with a Redis in memory. */
export interface SignInFixture {
  readonly memory: MemoryKeyValues
  /** events for operators, in order */
  readonly reported: string[]
  /** number of codes redeemed at the provider */
  redeemed: number
  /** the last authorization request */
  readonly asked: AuthorizationRequest
  /** the provider's answer with the address for browsers */
  location: ProviderAnswer<string>
  /** the provider's answer to a code */
  given: (nonce: string) => ProviderAnswer<ProviderTokens>
  revocationCheck: Result<Unrevoked>
  /** the provider's tokens for alice */
  tokens(
    nonce: string,
    changes?: Partial<ProviderTokens>,
    idClaims?: Claims,
  ): ProviderAnswer<ProviderTokens>
  accessToken(claims: Claims, header?: Claims): string
  /** begins a sign-in in a browser with cookies */
  begin(known?: readonly Cookie[], returnTo?: string | null): Promise<BegunSignIn>
  /** the outcome of beginning in a fresh browser */
  beginning(): Promise<SignInOutcome<BegunSignIn>>
  /**
   * begins a sign-in in a fresh browser
   *
   * @returns its cookie
   */
  begun(): Promise<Cookie>
  callback(
    from: Browser,
    nowSeconds?: number,
    state?: string | readonly string[],
  ): Promise<SignInEnd>
  /** the outcome of a callback to a browser with one cookie, or none */
  complete(
    cookie: Cookie | null,
    nowSeconds?: number,
    state?: string | readonly string[],
  ): Promise<SignInOutcome<OpenedSession>>
  /** signs in completely */
  session(): Promise<Session>
}

export function browser(...signIns: readonly Cookie[]): Browser {
  return { tier: 'internal', signIns, sourceIp: '192.0.2.1', userAgent: 'Firefox' }
}

export async function createSignInFixture(isTokenForwarded = false): Promise<SignInFixture> {
  const key = await signingKey('k1')
  const audiences = ['api://databricks', CLIENT] as const
  const issuer = { ...GENERIC, audiences, signInClient: CLIENT }
  const verifying = createFixture({ issuers: [issuer] })
  verifying.publish([key])
  verifying.clock.ms += 1000 // an unknown key id may have been published since
  const memory = createMemoryKeyValues(() => NOW)
  const reported: string[] = []
  let asked: AuthorizationRequest | null = null
  let count = 0
  const onUnexpected = (error: unknown) => void verifying.unexpected.push(error)
  const parts = { issuer: GENERIC, clientId: CLIENT, limits: LIMITS, keys: verifying.keys }
  const signIn = createSignIn({
    tokens: createSignInTokens({ ...parts, onUnexpected }),
    verifier: verifying.verifier,
    onUnusable: (reason) => void reported.push(`unusable ${reason}`),
    onUnverified: (reason) => void reported.push(`unverified ${reason}`),
    provider: {
      authorizationUrl: async (request) => {
        asked = request
        return fixture.location
      },
      redeem: async ({ nonce }) => {
        fixture.redeemed += 1
        return fixture.given(nonce)
      },
    },
    transactions: createTransactions(
      createSignInStores(memory, () => false).spentSignIns,
      createRecordCipher([SESSION_KEY_BYTES], 'bg-signin'),
    ),
    registry: createSessionRegistry({
      records: createSessionRecords(memory),
      cipher: CIPHER,
      observer: anomalyLog(),
      seal: seenSeal(anomalyLog()),
      newId: () => sessionIdFrom(randomBytes(32)),
      isIdle: createIdleRule(1800, () => []),
      maxPerSubject: 500,
    }),
    revocations: { check: async () => fixture.revocationCheck },
    absoluteTimeoutSeconds: 28_800,
    isTokenForwarded,
    newSecret: () => `secret-${String(++count).padStart(36, '0')}`,
  })
  const fixture: SignInFixture = {
    memory,
    reported,
    redeemed: 0,
    get asked() {
      if (asked === null) throw new Error('nobody asked the provider')
      return asked
    },
    location: { ok: true, value: 'https://idp.example/auth' },
    given: (nonce) => fixture.tokens(nonce),
    revocationCheck: ok({ isFromOutage: false }),
    accessToken: (claims, header) => mint(key, { ...CLAIMS, ...claims }, header),
    tokens: (nonce, changes = {}, idClaims = {}) => {
      const id = { iss: CLAIMS['iss'], aud: CLIENT, sub: 'alice', iat: NOW, exp: NOW + 60, nonce }
      return {
        ok: true,
        value: {
          accessToken: fixture.accessToken({ groups: ['from-access'] }),
          expiresInSeconds: 3000,
          refreshToken: 'refresh',
          idToken: mint(key, { ...id, ...idClaims }),
          ...changes,
        },
      }
    },
    begin: async (known = [], returnTo = null) => {
      const begun = await signIn.begin(browser(...known), { returnTo, isForced: false }, NOW)
      if (!begun.ok) throw new Error(begun.failure)
      return begun.value
    },
    beginning: () => signIn.begin(browser(), { returnTo: null, isForced: false }, NOW),
    begun: async () => (await fixture.begin()).cookie,
    callback: (from, nowSeconds = NOW, state = fixture.asked.state) => {
      const parameters = new URLSearchParams({ code: 'c' })
      for (const one of [state].flat()) parameters.append('state', one)
      return signIn.complete(from, parameters, nowSeconds)
    },
    complete: async (cookie, nowSeconds, state) => {
      const from = cookie === null ? browser() : browser(cookie)
      return (await fixture.callback(from, nowSeconds, state)).outcome
    },
    session: async () => {
      const done = await fixture.complete(await fixture.begun())
      if (!done.ok) throw new Error(done.failure)
      return done.value.session
    },
  }
  return fixture
}
