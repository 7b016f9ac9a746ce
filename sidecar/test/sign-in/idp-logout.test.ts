import { beforeEach, describe, expect, it } from 'vitest'
import { ok, type Result, refuse } from '../../src/domain/result.ts'
import { createRevocationWriter } from '../../src/revocation/revocation-writer.ts'
import {
  createIdpLogout,
  type IdpLogout,
  type IdpLogoutDeps,
} from '../../src/sign-in/idp-logout.ts'
import { createSignInStores } from '../../src/store/sign-in-stores.ts'
import type { LogoutOrder } from '../../src/verify/logout-token.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { NOW, SESSION } from '../support/session-fixture.ts'

const ISSUER = { issuerUrl: 'https://idp.example', issuerName: 'okta' }
const ORDER: LogoutOrder = {
  tokenId: 'logout-1',
  issuedAtSeconds: NOW - 3,
  expiresAtSeconds: NOW + 117,
  idpSession: 'idp-sid-1',
  subject: '00u1alice',
}
const IDP_SESSION = 'bg:revoked:idp-session:okta|idp-sid-1'

let memory: MemoryKeyValues
let now: number

beforeEach(() => {
  now = NOW
  memory = createMemoryKeyValues(() => now)
})

function logoutOf(
  order: Result<LogoutOrder> = ok(ORDER),
  changes: Partial<IdpLogoutDeps> = {},
): IdpLogout {
  return createIdpLogout({
    ...createSignInStores(memory, () => false),
    tokens: { logoutToken: async () => order },
    revocations: createRevocationWriter({ records: memory, lifetimeSeconds: 108_000 }),
    issuer: ISSUER,
    toleranceSeconds: 65,
    ...changes,
  })
}

async function valueOf(key: string): Promise<string | null> {
  const read = await memory.read([key])
  const value = read.ok ? read.value[0] : undefined
  return value?.kind === 'text' ? value.text : null
}

describe('a logout token', () => {
  it.each<[string, Partial<LogoutOrder>, string]>([
    ['with a session ends that session', {}, IDP_SESSION],
    ['of a session alone ends it', { subject: null }, IDP_SESSION],
    [
      'of a subject alone ends all of theirs',
      { idpSession: null },
      'bg:revoked:subject:okta|00u1alice',
    ],
  ])('%s, from its own moment', async (_, changes, key) => {
    const logout = logoutOf(ok({ ...ORDER, ...changes }))
    expect(await logout.byToken('t', NOW)).toEqual(ok(undefined))
    expect(await valueOf(key)).toBe(String(NOW - 3))
    expect(await valueOf('bg:logout-token:okta|logout-1')).toBe('1')
  })

  it('is obeyed once, for as long as it could be valid', async () => {
    const logout = logoutOf()
    await logout.byToken('t', NOW)
    await memory.delete(IDP_SESSION)
    now = NOW + 121
    expect(await logout.byToken('t', now)).toEqual(refuse('token-revoked'))
    expect(await valueOf(IDP_SESSION)).toBeNull()
  })

  it('may be delivered again when Redis failed', async () => {
    const logout = logoutOf()
    memory.isDown = true
    expect(await logout.byToken('t', NOW)).toEqual(refuse('state-unavailable'))
    memory.isDown = false
    expect(await logout.byToken('t', NOW)).toEqual(ok(undefined))
  })

  it('a logout token whose revocation fails is not obeyed, and may be delivered again', async () => {
    const revocations = { revoke: async () => refuse('state-unavailable') }
    const logout = logoutOf(ok(ORDER), { revocations })
    expect(await logout.byToken('t', NOW)).toEqual(refuse('state-unavailable'))
    expect(await valueOf('bg:logout-token:okta|logout-1')).toBeNull()
  })

  it.each([
    ['cannot be looked up', { isKnown: async () => refuse('state-unavailable') }, null],
    ['cannot be noted', { note: async () => refuse('state-unavailable') }, String(NOW - 3)],
  ])('that %s is not said to be obeyed', async (_, broken, revoked) => {
    const replays = { ...createSignInStores(memory, () => false).replays, ...broken }
    const logout = logoutOf(ok(ORDER), { replays })
    expect(await logout.byToken('t', NOW)).toEqual(refuse('state-unavailable'))
    expect(await valueOf(IDP_SESSION)).toBe(revoked)
  })

  it('that another sidecar obeys at the same time counts once', async () => {
    const replays = {
      ...createSignInStores(memory, () => false).replays,
      note: async () => ok(false),
    }
    expect(await logoutOf(ok(ORDER), { replays }).byToken('t', NOW)).toEqual(
      refuse('token-revoked'),
    )
  })

  it('that does not verify writes nothing', async () => {
    const logout = logoutOf(refuse('bad-signature'))
    expect(await logout.byToken('t', NOW)).toEqual(refuse('bad-signature'))
    expect(await valueOf(IDP_SESSION)).toBeNull()
  })
})

describe('a front-channel logout', () => {
  it('counts for an IdP session that somebody signed in by', async () => {
    const logout = logoutOf()
    await logout.signedIn(SESSION)
    expect(await logout.byBrowser(ISSUER.issuerUrl, 'idp-sid-1', NOW)).toEqual(ok(true))
    expect(await valueOf(IDP_SESSION)).toBe(String(NOW))
  })

  it.each([
    ['another IdP session', ISSUER.issuerUrl, 'idp-sid-2'],
    ['another issuer', 'https://evil.example', 'idp-sid-1'],
    ['the issuer name instead of its URL', 'okta', 'idp-sid-1'],
  ])('counts for nothing with %s', async (_, issuer, idpSession) => {
    const logout = logoutOf()
    await logout.signedIn(SESSION)
    expect(await logout.byBrowser(issuer, idpSession, NOW)).toEqual(ok(false))
    expect(await valueOf(`bg:revoked:idp-session:okta|${idpSession}`)).toBeNull()
  })

  it('knows nothing of a sign-in without an IdP session', async () => {
    const logout = logoutOf()
    const principal = { ...SESSION.principal, idpSession: null }
    await logout.signedIn({ ...SESSION, principal })
    expect(await logout.byBrowser(ISSUER.issuerUrl, 'null', NOW)).toEqual(ok(false))
  })

  it.each([
    [
      'nobody can say whether it is known',
      (): Partial<IdpLogoutDeps> => ({
        idpSessions: {
          ...createSignInStores(memory, () => false).idpSessions,
          isKnown: async () => refuse('state-unavailable'),
        },
      }),
    ],
    [
      'its revocation fails',
      (): Partial<IdpLogoutDeps> => ({
        revocations: { revoke: async () => refuse('state-unavailable') },
      }),
    ],
  ])('has ended nothing when %s', async (_, changes) => {
    const logout = logoutOf(ok(ORDER), changes())
    await logout.signedIn(SESSION)
    const asked = await logout.byBrowser(ISSUER.issuerUrl, 'idp-sid-1', NOW)
    expect(asked).toEqual(refuse('state-unavailable'))
    expect(await valueOf(IDP_SESSION)).toBeNull()
  })

  it('is not believed to have ended anything while Redis fails', async () => {
    const logout = logoutOf()
    await logout.signedIn(SESSION)
    memory.isDown = true
    const asked = await logout.byBrowser(ISSUER.issuerUrl, 'idp-sid-1', NOW)
    expect(asked).toEqual(refuse('state-unavailable'))
  })
})
