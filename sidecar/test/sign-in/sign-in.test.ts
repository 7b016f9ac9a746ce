import { beforeEach, describe, expect, it } from 'vitest'
import {
  createMemoryKeyValues,
  type MemoryKeyValues,
} from '../../src/adapters/memory-key-values.ts'
import { createSessionRecords } from '../../src/adapters/session-records.ts'
import { createSignInStores } from '../../src/adapters/sign-in-stores.ts'
import { ok, type Result, refuse } from '../../src/domain/result.ts'
import type { Standing } from '../../src/revocation/revocation-view.ts'
import { createSessionCipher } from '../../src/session/session-cipher.ts'
import { createSessionRegistry } from '../../src/session/session-registry.ts'
import type {
  AuthorizationRequest,
  ProviderAnswer,
  ProviderTokens,
} from '../../src/sign-in/openid-provider.ts'
import { type Browser, createSignIn, type SignIn } from '../../src/sign-in/sign-in.ts'
import { createTransactions } from '../../src/sign-in/transaction.ts'
import { createSignInTokens } from '../../src/verify/sign-in-tokens.ts'
import { anomalyLog, CIPHER, SESSION_ID, SESSION_KEY_BYTES } from '../support/session-fixture.ts'
import {
  CLAIMS,
  type Claims,
  GENERIC,
  LIMITS,
  mint,
  NOW,
  type SigningKey,
  signingKey,
} from '../verify/minting.ts'
import { createBench } from '../verify/verifying.ts'

const CLIENT = 'brickgate-signin'
const NO_WISHES = { returnTo: null, isForced: false }

let memory: MemoryKeyValues
let signIn: SignIn
let key: SigningKey
/** what the provider was asked for last */
let asked: AuthorizationRequest
let given: (nonce: string) => ProviderAnswer<ProviderTokens>
let standing: Result<Standing>
let told: string[]

beforeEach(async () => {
  key = await signingKey('k1')
  const bench = createBench()
  bench.publish([key])
  memory = createMemoryKeyValues(() => NOW)
  standing = ok({ isFromOutage: false })
  told = []
  given = (nonce) => tokens(nonce)
  let count = 0
  const { unexpected } = bench
  const onUnexpected = (error: unknown) => void unexpected.push(error)
  const parts = { issuer: GENERIC, clientId: CLIENT, limits: LIMITS, keys: bench.keys }
  signIn = createSignIn({
    tokens: createSignInTokens({ ...parts, onUnexpected }),
    verifier: bench.verifier,
    onUnusable: (reason) => void told.push(`unusable ${reason}`),
    onUnverified: (reason) => void told.push(`unverified ${reason}`),
    provider: {
      authorizationUrl: async (request) => {
        asked = request
        return { ok: true, value: 'https://idp.example/auth' }
      },
      redeem: async ({ nonce }) => given(nonce),
    },
    transactions: createTransactions(
      createSignInStores(memory).transactions,
      createSessionCipher([SESSION_KEY_BYTES], 'bg-signin'),
    ),
    registry: createSessionRegistry({
      records: createSessionRecords(memory),
      cipher: CIPHER,
      observer: anomalyLog(),
      newId: () => SESSION_ID,
      idleTimeoutSeconds: 1800,
      maxPerSubject: 500,
    }),
    revocations: { check: async () => standing },
    absoluteTimeoutSeconds: 28_800,
    newSecret: () => `secret-${String(++count).padStart(36, '0')}`,
  })
})

function tokens(
  nonce: string,
  changes: Partial<ProviderTokens> = {},
  idClaims: Claims = {},
): ProviderAnswer<ProviderTokens> {
  const id = { iss: CLAIMS['iss'], aud: CLIENT, sub: 'alice', iat: NOW, exp: NOW + 60, nonce }
  return {
    ok: true,
    value: {
      accessToken: mint(key, { ...CLAIMS, groups: ['from-access'] }),
      expiresInSeconds: 3000,
      refreshToken: 'refresh',
      idToken: mint(key, { ...id, ...idClaims }),
      ...changes,
    },
  }
}

function browser(secret: string | null): Browser {
  return { tier: 'internal', secret, sourceIp: '192.0.2.1', userAgent: 'Firefox' }
}

/** Begins a sign-in. @returns the cookie of its browser */
async function begun(): Promise<string> {
  const begin = await signIn.begin(browser(null), NO_WISHES, NOW)
  if (!begin.ok) throw new Error(begin.failure)
  return begin.value.secret
}

function complete(secret: string | null, nowSeconds = NOW, state = asked.state) {
  return signIn.complete(browser(secret), new URLSearchParams({ state, code: 'c' }), nowSeconds)
}

async function sessionOf() {
  const done = await complete(await begun())
  if (!done.ok) throw new Error(done.failure)
  return done.value.session
}

describe('a completed sign-in', () => {
  it('is a session of the person, as the tokens say', async () => {
    expect(await sessionOf()).toMatchObject({
      kind: 'browser',
      tier: 'internal',
      principal: {
        issuer: 'idp',
        subject: 'alice',
        clientId: CLIENT,
        groups: ['from-access'],
        tokenId: 'token-1',
      },
      signInSeconds: NOW,
      createdAtSeconds: NOW,
      expiresAtSeconds: NOW + 28_800,
      accessToken: { expiresAtSeconds: NOW + 3000 },
      refreshToken: 'refresh',
      sourceIp: '192.0.2.1',
      userAgent: 'Firefox',
    })
  })

  it('has the groups of the ID token where that lists them, be it none', async () => {
    given = (nonce) => tokens(nonce, {}, { groups: [] })
    expect((await sessionOf()).principal.groups).toEqual([])
  })

  it('is as old as the person last proved who they are', async () => {
    given = (nonce) => tokens(nonce, {}, { auth_time: NOW - 500 })
    expect((await sessionOf()).signInSeconds).toBe(NOW - 500)
  })

  it('ends with its access token when that cannot be refreshed', async () => {
    given = (nonce) => tokens(nonce, { refreshToken: null })
    expect((await sessionOf()).expiresAtSeconds).toBe(NOW + 3000)
  })

  it('keeps no access token that does not verify', async () => {
    given = (nonce) => tokens(nonce, { accessToken: 'opaque' })
    expect((await sessionOf()).accessToken).toBeNull()
    expect(told).toEqual(['unusable malformed-token'])
  })
})

describe('nobody is signed in', () => {
  const refused = { ok: false, failure: 'no-transaction' }

  it('twice, later than ten minutes, or by another browser', async () => {
    const secret = await begun()
    expect(await complete(secret, NOW + 600)).toEqual(refused)
    const second = await begun()
    expect(await complete(`${second.slice(1)}x`)).toEqual(refused)
    expect(await complete(second)).toEqual(refused) // the attempt has used it up
    const third = await begun()
    expect(await complete(third)).toMatchObject({ ok: true })
    expect(await complete(third)).toEqual(refused)
  })

  it('without a cookie, and then nothing was looked up', async () => {
    const secret = await begun()
    expect(await complete(null)).toEqual(refused)
    expect(await complete(secret)).toMatchObject({ ok: true })
  })

  it.each<[string, (nonce: string) => ProviderAnswer<ProviderTokens>, string]>([
    ['the nonce is another', () => tokens('other'), 'malformed-token'],
    ['there is no ID token', (nonce) => tokens(nonce, { idToken: null }), 'malformed-token'],
    [
      'the tokens differ in the person',
      (nonce) => tokens(nonce, {}, { sub: 'bob' }),
      'wrong-token-type',
    ],
    [
      'groups are elsewhere and nothing lists them',
      (nonce) => tokens(nonce, { accessToken: 'x' }, { _claim_names: { groups: 's' } }),
      'groups-unknown',
    ],
  ])('when %s', async (_, answer, reason) => {
    given = answer
    expect(await complete(await begun())).toEqual({ ok: false, failure: 'unverified' })
    expect(told).toContain(`unverified ${reason}`)
  })

  it.each(['unavailable', 'refused', 'invalid-grant'] as const)(
    'when the provider answers %s',
    async (failure) => {
      given = () => ({ ok: false, failure })
      const expected = failure === 'unavailable' ? 'unavailable' : 'refused'
      expect(await complete(await begun())).toEqual({ ok: false, failure: expected })
    },
  )

  it.each<[string, Result<Standing>, string]>([
    ['whose access was ended since', refuse('token-revoked'), 'revoked'],
    ['while revocations may be lost', refuse('state-lost'), 'revoked'],
    ['while nobody can tell', refuse('state-unavailable'), 'unavailable'],
    ['who is new, during an outage', ok({ isFromOutage: true }), 'unavailable'],
  ])('%s', async (_, result, failure) => {
    standing = result
    expect(await complete(await begun())).toEqual({ ok: false, failure })
  })

  it('while Redis does not answer, and the answer says so', async () => {
    const secret = await begun()
    memory.isDown = true
    expect(await complete(secret)).toEqual({ ok: false, failure: 'unavailable' })
    expect(await signIn.begin(browser(null), NO_WISHES, NOW)).toEqual({
      ok: false,
      failure: 'unavailable',
    })
  })
})

describe('a browser', () => {
  it('keeps a good secret, and gets a fresh one for another', async () => {
    const secret = await begun()
    const again = await signIn.begin(browser(secret.padEnd(43, 'x').slice(0, 43)), NO_WISHES, NOW)
    expect(again).toMatchObject({
      ok: true,
      value: { secret: secret.padEnd(43, 'x').slice(0, 43) },
    })
    const fresh = await signIn.begin(browser('<script>'), NO_WISHES, NOW)
    expect(fresh.ok && fresh.value.secret).toMatch(/^secret-/)
  })
})
